"""The machine doors of the flow that go through Django: blobs and the catalogue."""

from django.urls import path

from yuanjiao.flow.blobs import views as blobs

app_name = "flow"
urlpatterns = [
    path("blobs/<str:name>", blobs.blob, name="blob"),
]
