"""An upstream metering API to run locally, from recordings or from seeded synthetic meters."""
