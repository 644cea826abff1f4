"""What analysis says in German: whole, without an English word, and with the figures of the English.

Both languages are spoken by one process, one after the other, so what is translated too early shows.
"""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from django.utils import translation

from analytics.analysed import Analysed
from analytics.figures import compared, curves, groups, habits, maps
from analytics.hypothesis import RegisterLoad, argue
from analytics.hypothesis.argument import Argument
from analytics.hypothesis.kinds import SETTLES
from analytics.hypothesis.rules import RULES
from analytics.methods.analysis import analyse
from analytics.methods.grouping import DAY_TYPES, MONTHS, SEASONS, WEEKDAYS
from analytics.methods.load import Load
from analytics.period import read_period
from analytics.sentences.loads import sentences
from ingestion.simulator.meter import SyntheticMeter
from meters.wording import THIN
from tests.analytics.loads import at, load, with_gaps
from tests.tenants.test_german import english, strings
