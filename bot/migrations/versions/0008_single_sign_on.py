"""Reps whom the bank's identity provider vouches for: known by issuer and subject, never by a name."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("desk_reps", sa.Column("issuer", sa.String(length=256), nullable=True))
    op.add_column("desk_reps", sa.Column("subject", sa.String(length=256), nullable=True))
    op.create_index(op.f("ix_desk_reps_issuer_subject"), "desk_reps", ["issuer", "subject"], unique=True)


def downgrade() -> None:
    # The accounts stay, each with a password that nobody has.
    op.drop_index(op.f("ix_desk_reps_issuer_subject"), "desk_reps")
    op.drop_column("desk_reps", "subject")
    op.drop_column("desk_reps", "issuer")
