"""Pages of faults: the hotline, messages, orders, reports, figures, and the public answer to a receipt code."""

from django.urls import path

from yuanjiao.faults.views import agreements, dictionary, hotline, messages, orders, phone, public, reports, statistics, trainings
from yuanjiao.people.access import made_above

app_name = "faults"
urlpatterns = [
    path("orders/", orders.order_list, name="order_list"),
    path("orders/<str:code>/", made_above(orders.order), name="order"),
    path("mine/", phone.my_orders, name="my_orders"),
    path("mine/kept/", phone.send_kept, name="send_kept"),
    path("mine/worker.js", phone.worker, name="my_orders_worker"),
    path("hotline/", made_above(hotline.hotline), name="hotline"),
    path("hotline/<str:code>/", made_above(hotline.hotline_site), name="hotline_site"),
    path("report/", reports.report_new, name="report_new"),
    path("reports/", reports.report_list, name="report_list"),
    path("reports/<str:code>/", reports.report, name="report"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("unreported/", statistics.unreported_list, name="unreported_list"),
    path("people-only/", statistics.people_only_list, name="people_only_list"),
    path("delays/", statistics.delay_list, name="delay_list"),
    path("trainings/", made_above(trainings.training_list), name="training_list"),
    path("trainings/<int:pk>/withdraw/", made_above(trainings.training_withdraw), name="training_withdraw"),
    path("settings/", made_above(dictionary.fault_settings), name="fault_settings"),
    path("settings/terms/<int:pk>/", made_above(dictionary.term), name="term"),
    path("agreements/", agreements.agreement_list, name="agreement_list"),
    path("agreements/new/", made_above(agreements.agreement_new), name="agreement_new"),
    path("agreements/<uuid:uid>/", made_above(agreements.agreement), name="agreement"),
    path("calendar/", made_above(agreements.calendar), name="calendar"),
    path("duty/", made_above(agreements.duty), name="duty"),
    path("urgings/", agreements.urging_list, name="urging_list"),
    path("urgings/<int:pk>/", made_above(agreements.urging), name="urging"),
    path("channels/", made_above(messages.channels), name="channels"),
    path("messages/", made_above(messages.message_list), name="message_list"),
    path("follow/", public.follow, name="follow"),
]
