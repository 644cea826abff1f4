def test_smoke(in_acme):
    from meters.models import Meter
    assert Meter.objects.count() == 0
