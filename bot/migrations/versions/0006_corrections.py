"""What a turn should have been understood as, or answered: corrections, and a history of them that nobody changes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "desk_corrections",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("meaning", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("was", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("problems", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_desk_corrections_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_corrections")),
    )
    op.create_index(
        "ix_desk_corrections_quarantined",
        "desk_corrections",
        ["conversation_id", "seq"],
        unique=True,
        sqlite_where=sa.text("status = 'quarantined'"),
        postgresql_where=sa.text("status = 'quarantined'"),
    )
    op.create_index(op.f("ix_desk_corrections_status_updated_at"), "desk_corrections", ["status", "updated_at"])
    op.create_table(
        "desk_correction_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("correction_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_id"], ["desk_corrections.id"], name=op.f("fk_desk_correction_history_correction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_correction_history")),
    )
    op.create_index(
        op.f("ix_desk_correction_history_correction_id_id"), "desk_correction_history", ["correction_id", "id"]
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION corrections_are_kept() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the history of a correction is never changed'; END $$"
        )
        op.execute(
            "CREATE TRIGGER corrections_are_kept BEFORE UPDATE ON desk_correction_history"
            " FOR EACH ROW EXECUTE FUNCTION corrections_are_kept()"
        )
    else:
        op.execute(
            "CREATE TRIGGER corrections_are_kept BEFORE UPDATE ON desk_correction_history"
            " BEGIN SELECT RAISE(ABORT, 'the history of a correction is never changed'); END"
        )


def downgrade() -> None:
    op.drop_table("desk_correction_history")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION corrections_are_kept()")
    op.drop_table("desk_corrections")
