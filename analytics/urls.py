from django.urls import path

from analytics.pages import views
from analytics.pages.site import views as site_views

app_name = "analytics"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("meters/", views.meters, name="meters"),
    path("meters/<uuid:muid>/", views.meter, name="meter"),
    path("meters/<uuid:muid>/analysis/", views.analysis, name="analysis"),
    path("analysis/", views.analyses, name="analyses"),
    path("sites/", site_views.sites, name="sites"),
    path("sites/<int:pk>/", site_views.site, name="site"),
    path("meters/<uuid:muid>/report/", views.report_file, name="report"),
]
