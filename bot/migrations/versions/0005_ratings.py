"""What customers think of conversations and replies, and what the page shows that a message was written on."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "ratings",
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_ratings_conversation_id")),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name=op.f("pk_ratings")),
    )
    op.create_index(op.f("ix_ratings_rated_at"), "ratings", ["rated_at"])
    op.add_column("inbox", sa.Column("page", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("inbox", "page")
    op.drop_index(op.f("ix_ratings_rated_at"), table_name="ratings")
    op.drop_table("ratings")
