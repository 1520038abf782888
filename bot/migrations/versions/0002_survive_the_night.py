"""Whose an intended effect is and who asks after it, who sends a delivery, and what is left of hourly allowances."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("writes") as writes:
        writes.add_column(sa.Column("customer_id", sa.String(length=64), nullable=True))
        writes.add_column(sa.Column("channel", sa.String(length=64), nullable=True))
        writes.add_column(sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
    # Whoever opened the conversation is whose its effects are; a visitor has none.
    op.execute(
        "UPDATE writes SET"
        " customer_id = (SELECT customer_id FROM conversations WHERE id = writes.conversation_id),"
        " channel = (SELECT channel FROM conversations WHERE id = writes.conversation_id)"
    )
    with op.batch_alter_table("writes") as writes:
        writes.alter_column("channel", existing_type=sa.String(length=64), nullable=False)
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.add_column(sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "allowances",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name=op.f("pk_allowances")),
    )


def downgrade() -> None:
    op.drop_table("allowances")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.drop_column("lease_until")
    with op.batch_alter_table("writes") as writes:
        writes.drop_column("lease_until")
        writes.drop_column("channel")
        writes.drop_column("customer_id")
