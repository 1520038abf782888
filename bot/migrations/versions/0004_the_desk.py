"""Who works at the desk, what is known of a ticket, and an audit trail that nobody changes."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TICKET: dict[str, Any] = {
    "reasons": sa.JSON(),
    "capability": sa.String(length=64),
    "skill": sa.String(length=64),
    "taken_by": sa.String(length=64),
    "taken_at": sa.DateTime(timezone=True),
    "first_taken_at": sa.DateTime(timezone=True),
    "first_reply_at": sa.DateTime(timezone=True),
    "disposition": sa.String(length=64),
    "tags": sa.String(length=256),
    "summary": sa.Text(),
}


def upgrade() -> None:
    op.create_table(
        "desk_reps",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=64), nullable=False),
        sa.Column("display_name_en", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("skills", sa.String(length=256), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("taking", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("absent_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_reps")),
        sa.UniqueConstraint("name", name=op.f("uq_desk_reps_name")),
    )
    op.create_table(
        "desk_sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("rep_id", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["rep_id"], ["desk_reps.id"], name=op.f("fk_desk_sessions_rep_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_desk_sessions")),
    )
    op.create_index(op.f("ix_desk_sessions_rep_id"), "desk_sessions", ["rep_id"])
    op.create_table(
        "desk_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("rep_id", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_desk_notes_conversation_id")),
        sa.ForeignKeyConstraint(["rep_id"], ["desk_reps.id"], name=op.f("fk_desk_notes_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_notes")),
    )
    op.create_index(op.f("ix_desk_notes_conversation_id_at"), "desk_notes", ["conversation_id", "at"])
    op.create_table(
        "desk_suggestions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("rep_id", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=64), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("distance", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_desk_suggestions_conversation_id")
        ),
        sa.ForeignKeyConstraint(["rep_id"], ["desk_reps.id"], name=op.f("fk_desk_suggestions_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_suggestions")),
        sa.UniqueConstraint("conversation_id", "seq", name=op.f("uq_desk_suggestions_conversation_id_seq")),
    )
    op.create_index(op.f("ix_desk_suggestions_created_at"), "desk_suggestions", ["created_at"])
    with op.batch_alter_table("tickets") as tickets:
        for name, kind in _TICKET.items():
            tickets.add_column(sa.Column(name, kind, nullable=True))
    op.create_index("ix_tickets_conversation_id", "tickets", ["conversation_id", "created_at"])
    op.create_index(
        "ix_conversations_owner",
        "conversations",
        ["owner"],
        sqlite_where=sa.text("owner != 'bot'"),
        postgresql_where=sa.text("owner != 'bot'"),
    )
    _keep_audit_as_it_is()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_is_kept ON audit")
        op.execute("DROP FUNCTION audit_is_kept()")
    else:
        op.execute("DROP TRIGGER audit_is_kept")
    op.drop_index("ix_conversations_owner", "conversations")
    op.drop_index("ix_tickets_conversation_id", "tickets")
    with op.batch_alter_table("tickets") as tickets:
        for name in _TICKET:
            tickets.drop_column(name)
    for table in ("desk_suggestions", "desk_notes", "desk_sessions", "desk_reps"):
        op.drop_table(table)


def _keep_audit_as_it_is() -> None:
    """Whoever may write to the database may add lines, and with the retention's end delete them: none is changed."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'a line of the audit trail is never changed'; END $$"
        )
        op.execute("CREATE TRIGGER audit_is_kept BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_kept()")
    else:
        op.execute(
            "CREATE TRIGGER audit_is_kept BEFORE UPDATE ON audit"
            " BEGIN SELECT RAISE(ABORT, 'a line of the audit trail is never changed'); END"
        )
