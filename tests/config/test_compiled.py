"""Queries whose SQL is kept: the rows are those of the tenant that asks, as Django gives them."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.compiled import CompiledQuery
from meters.api.of_meter import find_meter
from meters.models import Meter, Register, Site
from tests.conftest import Customer
from tests.meters.stored import EXPORT, IMPORT, make_meter, make_register


def test_each_tenant_gets_its_own_rows(acme: Customer, nordwind: Customer) -> None:
    muid = uuid4()
    for customer, obis in ((acme, IMPORT), (nordwind, EXPORT)):
        with customer.tenant.entered():
            site = Site.objects.create(name=f"Of {customer.tenant.slug}")
            make_register(make_meter(muid=muid, name=customer.tenant.slug, site=site), obis)
    for customer, obis in ((acme, IMPORT), (nordwind, EXPORT), (acme, IMPORT)):
        with customer.tenant.entered():
            meter, [register] = find_meter(muid)
        assert (meter.name, register.obis) == (customer.tenant.slug, obis)
        assert str(meter.site) == f"Of {customer.tenant.slug}"


def test_the_rows_are_what_django_makes_of_them(in_acme: Customer) -> None:
    meter = make_meter(name="Meter", site=None)
    make_register(meter, IMPORT), make_register(meter, EXPORT)
    for asked in (meter.muid, uuid4()):
        plain = Register.objects.filter(meter__muid=asked).select_related("meter__site")
        kept = CompiledQuery(
            lambda: Register.objects.filter(meter__muid=uuid4()).select_related("meter__site")
        )
        kept(uuid4())
        with CaptureQueriesContext(connection) as sent:
            found = kept(asked)
            assert [one.meter.site for one in found] == [None] * len(found)
        assert len(sent) == 1
        assert found == list(plain)
        for ours, theirs in zip(found, plain, strict=True):
            for field in Register._meta.concrete_fields:
                assert getattr(ours, field.attname) == getattr(theirs, field.attname)
            assert not ours._state.adding
            assert ours._state.db == theirs._state.db


def test_a_query_of_several_parameters_is_refused(in_acme: Customer) -> None:
    kept = CompiledQuery(lambda: Meter.objects.filter(name="x", timezone="UTC"))
    with pytest.raises(TypeError, match="one parameter"):
        kept("x")
