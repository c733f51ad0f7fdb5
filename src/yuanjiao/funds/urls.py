"""Pages of the ledger. All of it has its home at the top: below, each page leads there."""

from django.urls import path

from yuanjiao.funds.views import allowances, books, flows, paying
from yuanjiao.people.access import made_above

app_name = "funds"
urlpatterns = [
    path("", made_above(books.fund_list), name="fund_list"),
    path("new/", made_above(books.fund_new), name="fund_new"),
    path("entries/", made_above(books.entry_list), name="entry_list"),
    path("entries/<uuid:uid>/", made_above(books.entry), name="entry"),
    path("entries/<uuid:uid>/reverse/", made_above(books.reversal_new), name="reversal_new"),
    path("proposals/", made_above(paying.proposal_list), name="proposal_list"),
    path("proposals/<uuid:uid>/", made_above(paying.proposal), name="proposal"),
    path("proposals/<uuid:uid>/act/", made_above(paying.proposal_act), name="proposal_act"),
    path("allowances/", made_above(allowances.rate_list), name="rate_list"),
    path("allowances/<uuid:uid>/", made_above(allowances.rate), name="rate"),
    path("allowances/<uuid:uid>/villages/", made_above(allowances.rate_villages), name="rate_villages"),
    path("allowances/<uuid:uid>/pay/", made_above(allowances.allowance_pay), name="allowance_pay"),
    path("allowances/<uuid:uid>/use/", made_above(allowances.allowance_use), name="allowance_use"),
    path("subsidies/", made_above(flows.subsidy_list), name="subsidy_list"),
    path("subsidies/new/", made_above(flows.subsidy_new), name="subsidy_new"),
    path("subsidies/matching/", made_above(flows.matching_list), name="matching_list"),
    path("subsidies/<uuid:uid>/", made_above(flows.subsidy), name="subsidy"),
    path("promises/", made_above(flows.commitment_list), name="commitment_list"),
    path("promises/<uuid:uid>/", made_above(flows.commitment), name="commitment"),
    path("promises/<uuid:uid>/delivery/", made_above(flows.delivery_new), name="delivery_new"),
    path("<uuid:uid>/", made_above(books.fund), name="fund"),
    path("<uuid:uid>/source/", made_above(books.source_new), name="source_new"),
    path("<uuid:uid>/contribution/", made_above(books.contribution_new), name="contribution_new"),
    path("<uuid:uid>/payment/", made_above(paying.payment_new), name="payment_new"),
    path("<uuid:uid>/rate/", made_above(allowances.rate_new), name="rate_new"),
    path("<uuid:uid>/promise/", made_above(flows.commitment_new), name="commitment_new"),
]
