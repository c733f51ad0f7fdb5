"""The machine doors of the flow that go through Django: blobs and the catalogue."""

from django.urls import path

from yuanjiao.flow import views
from yuanjiao.flow.blobs import pack_door, sources_door
from yuanjiao.flow.blobs import views as blobs
from yuanjiao.flow.catalogue import views as catalogue

app_name = "flow"
urlpatterns = [
    path("enrol", views.enrol, name="enrol"),
    path("time", views.tell_time, name="time"),
    path("blobs/pack", pack_door.view, name="blob_pack"),
    path("blobs/sources", sources_door.view, name="blob_sources"),
    path("blobs/<str:name>", blobs.blob, name="blob"),
    path("catalogue/metadata/<str:name>", catalogue.metadata, name="catalogue_metadata"),
    path("catalogue/targets/<path:path>", catalogue.target, name="catalogue_target"),
]
