from django.db import migrations

# One sequence per tenant, from which every write of readings takes a number: it lies in the
# tenant's schema, for that is the only one in the search path.
CREATE = "CREATE SEQUENCE reading_version AS bigint"
DROP = "DROP SEQUENCE reading_version"

# Room in each page for the next version of its rows, so that filling the slots of the current day
# updates them in place (HOT) without touching the index. Chosen by `make bench`.
FILL = "ALTER TABLE daily_profile SET (fillfactor = 85)"
UNFILL = "ALTER TABLE daily_profile RESET (fillfactor)"


class Migration(migrations.Migration):
    dependencies = [("meters", "0001_initial")]

    operations = [
        migrations.RunSQL(CREATE, DROP),
        migrations.RunSQL(FILL, UNFILL),
    ]
