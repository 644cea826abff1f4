from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("meters", "0002_daily_profile_storage")]

    operations = [
        # Rows that are there keep NULL and are not rewritten: their values are read as ever, and
        # the next write of each works its digest out.
        migrations.AddField(
            model_name="dailyprofile",
            name="digest",
            field=models.BinaryField(
                editable=False,
                help_text="Names what the row holds, see `meters.digests`; NULL where nothing was "
                "worked out. Who changes a row past `ingestion.store` sets it to NULL.",
                null=True,
            ),
        ),
    ]
