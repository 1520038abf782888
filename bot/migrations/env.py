"""What Alembic runs: the migrations, in the transaction of the connection that ``bot.migrations`` hands over."""

from alembic import context

from bot.desk import canned_tables, correction_tables, tables  # noqa: F401 (the desk's tables are among those of Base)
from bot.migrations import VERSION_TABLE
from bot.records import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
