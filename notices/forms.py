from django import forms

from notices.models import Preference


class PreferenceForm(forms.ModelForm[Preference]):
    class Meta:
        model = Preference
        fields = ["silent_meters", "failing_sources"]
