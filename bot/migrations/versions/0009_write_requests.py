"""What a rep asks the bot to begin with a customer, in the customer's own inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("request", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("inbox", "request")
