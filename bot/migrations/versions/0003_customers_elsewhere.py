"""Whose a platform's user is, the one-time links that say so, and how far a platform's own inbox was read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "bindings",
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", "user_id", name=op.f("pk_bindings")),
    )
    op.create_index(op.f("ix_bindings_customer_id"), "bindings", ["customer_id"])
    op.create_table(
        "binding_links",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_binding_links")),
    )
    op.create_index(op.f("ix_binding_links_customer_id"), "binding_links", ["customer_id"])
    op.create_table(
        "channel_cursors",
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "account", name=op.f("pk_channel_cursors")),
    )


def downgrade() -> None:
    op.drop_table("channel_cursors")
    op.drop_index(op.f("ix_binding_links_customer_id"), table_name="binding_links")
    op.drop_table("binding_links")
    op.drop_index(op.f("ix_bindings_customer_id"), table_name="bindings")
    op.drop_table("bindings")
