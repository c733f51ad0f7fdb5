"""The register's pages under /register/."""

from django.urls import path

from yuanjiao.register.views import imports, lists, moving, sightings

app_name = "register"
urlpatterns = [
    path("divisions/", lists.division_list, name="division_list"),
    path("divisions/move/", moving.division_move, name="division_move"),
    path("units/", lists.unit_list, name="unit_list"),
    path("people/", lists.person_list, name="person_list"),
    path("people/<uuid:uid>/", lists.person, name="person"),
    path("people/<uuid:uid>/password/", lists.person_password, name="person_password"),
    path("assets/", lists.asset_list, name="asset_list"),
    path("imports/", imports.import_list, name="import_list"),
    path("imports/new/", imports.import_new, name="import_new"),
    path("imports/template.xlsx", imports.template_file, name="template_file"),
    path("imports/<uuid:uid>/", imports.import_page, name="import"),
    path("imports/<uuid:uid>/progress/", imports.import_progress, name="import_progress"),
    path("imports/<uuid:uid>/apply/", imports.import_apply, name="import_apply"),
    path("imports/<uuid:uid>/cancel/", imports.import_cancel, name="import_cancel"),
    path("imports/<uuid:uid>/undo/", imports.import_undo, name="import_undo"),
    path("imports/<uuid:uid>/returned.xlsx", imports.import_returned, name="import_returned"),
    path("imports/<uuid:uid>/changes/", imports.import_changes, name="import_changes"),
    path("sightings/", sightings.sighting_import, name="sighting_import"),
    path("sightings/<str:name>/", sightings.sighting_returned, name="sighting_returned"),
    path("whole.xlsx", imports.whole_file, name="whole_file"),
]
