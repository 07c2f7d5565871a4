"""The worlds in which the shipped alerts are tried: what is scraped, minute by minute, and which
alerts fire.

In: nothing. Out: HEALTHY, the worlds in which every alert is silent, and FAULTS, each with the
alerts that fire in it and no others. A series is a list of pieces, each `(minutes, first value,
step)`; the last minute of every world is the present.
"""

# The past that an alert compares with (a day at most), and the hour that is looked at.
PAST = 2 * 60
HOUR = 60
POD = "rownd-authz-7d9f8b6c5d-x2k4v"
SECOND = "rownd-authz-7d9f8b6c5d-b5c6d"
SIBLING = "rownd-authz-canary-6c5d7d9f8b-z9z9z"


def steady(value):
    return [(PAST + HOUR, value, 0)]


def counting(a_minute):
    return [(PAST + HOUR, 0, a_minute)]


def then(minutes, pieces, later):
    """The first value and step until `minutes` before the present, then `(value, step)`."""
    (total, first, step), = pieces
    before = total - minutes
    value, step_after = later
    return [(before, first, step), (minutes, first + step * before if value is None else value, step_after)]


def checks(allowed, **denied):
    series = {'checks_total{api="ext_authz",outcome="allow",reason="authenticated"}': counting(allowed),
              'checks_total{api="ext_authz",outcome="unavailable",reason="keys_unavailable"}': counting(0),
              'checks_total{api="ext_authz",outcome="deny",reason="signature_invalid"}': counting(0)}
    for reason, a_minute in denied.items():
        series[f'checks_total{{api="ext_authz",outcome="deny",reason="{reason}"}}'] = counting(a_minute)
    for le, share in (("0.001", 0.98), ("0.01", 1), ("0.25", 1), ("+Inf", 1)):
        series[f'check_duration_seconds_bucket{{api="ext_authz",outcome="allow",le="{le}"}}'] = \
            counting(allowed * share)
    return series


# A pod as it should be: keys that are fetched each minute, no TLS, no snapshots.
GOOD = {
    **checks(600, token_missing=60, token_expired=12),
    'keys{issuer="rownd"}': steady(2),
    # The clock of a world begins at 0, so the time of minute N is 60 N.
    'key_fetch_last_success_timestamp_seconds{issuer="rownd"}': [(PAST + HOUR, 1, 60)],
    'app_keys_refused{issuer="rownd"}': steady(0),
    'rownd_requests_total{issuer="rownd",endpoint="user",result="ok"}': counting(10),
    'rownd_requests_total{issuer="rownd",endpoint="user",result="refused"}': counting(0),
    # A user's own token that Rownd refuses says nothing about the app key.
    'rownd_requests_total{issuer="rownd",endpoint="own_user",result="refused"}': counting(1),
    # Nor does the session of a user who has signed out.
    'rownd_requests_total{issuer="rownd",endpoint="supertokens_user",result="refused"}': counting(1),
    **{f'faults{{part="{part}"}}': steady(0) for part in ("event_sink", "event_queue", "event_poll", "hook", "listener")},
    'keys_stale{issuer="rownd"}': steady(0),
    'key_snapshots_total{issuer="rownd",result="written"}': counting(1),
    'key_snapshots_total{issuer="rownd",result="write_failed"}': counting(0),
    'reload_failed{what="config"}': steady(0),
    'reload_failed{what="certificate"}': steady(0),
    "certificate_not_after_timestamp_seconds": steady(0),
    "log_write_errors_total": steady(0),
    "log_lines_lost": steady(0),
    "dev_mode": steady(0),
    "build_info": steady(1),
}
# Replicas that share their state. Others have none of these series.
EVENTS = {'events_sent_total{sink="crm"}': counting(5), 'event_attempts_failed_total{sink="crm"}': counting(0),
          'events_dropped_total{sink="crm",type="user.deleted"}': counting(0), 'events_dead_total{sink="crm"}': counting(0)}
SHARED = {"shared_up": steady(1), "shared_unsent_revocations": steady(0), "shared_left_out_revocations": steady(0)}
# Keys that stand in the configuration: kind `static`, or `keys.fetch: false`.
IN_PLACE = {'keys{issuer="partner"}': steady(3), 'keys_stale{issuer="partner"}': steady(0),
            'key_fetch_last_success_timestamp_seconds{issuer="partner"}': steady(0)}
# An issuer that a reload has removed.
REMOVED = {'keys{issuer="former"}': steady("NaN"),
           'key_fetch_last_success_timestamp_seconds{issuer="former"}': steady("NaN"),
           'app_keys_refused{issuer="former"}': steady("NaN")}
NO_TRAFFIC = {name: steady(0) for name in GOOD if name.startswith("check")}
# A process that has started twenty minutes ago, and has no past. Its keys come within a minute.
YOUNG = {name: [(PAST + HOUR - 20, "_", None), (20, pieces[0][1], pieces[0][2])] for name, pieces in GOOD.items()}
YOUNG['key_fetch_last_success_timestamp_seconds{issuer="rownd"}'] = \
    [(PAST + HOUR - 20, "_", None), (20, 60 * (PAST + HOUR - 20), 60)]
YOUNG['keys{issuer="rownd"}'] = [(PAST + HOUR - 20, "_", None), (1, 0, 0), (19, 2, 0)]
# Everything that can be wrong is wrong with another release, or in another namespace.
BROKEN = {
    'checks_total{api="ext_authz",outcome="unavailable",reason="keys_unavailable"}': counting(600),
    'keys{issuer="rownd"}': steady(0),
    'key_fetch_last_success_timestamp_seconds{issuer="rownd"}': steady(60),
    'app_keys_refused{issuer="rownd"}': steady(1),
    'key_snapshots_total{issuer="rownd",result="write_failed"}': counting(1),
    'reload_failed{what="config"}': steady(1),
    "certificate_not_after_timestamp_seconds": steady((PAST + HOUR) * 60 + 3600),
    "log_write_errors_total": counting(5),
    "dev_mode": steady(1),
    "build_info": steady(1),
    'faults{part="hook"}': steady(1),
    'keys_stale{issuer="rownd"}': steady(1),
    "shared_up": steady(0),
    "shared_unsent_revocations": steady(3),
    'event_attempts_failed_total{sink="crm"}': counting(1),
    'events_dead_total{sink="crm"}': counting(1),
}
# Names with more hyphens or fewer, which the pattern must not match.
ELSEWHERE = [("rownd", SIBLING), ("rownd", "rownd-authz-headless-7d9f8b6c5d-x2k4v"), ("rownd", "my-rownd-authz-7d9f8b6c5d-x2k4v"),
             ("staging", POD)]

# Name, series, and whose they are: (namespace, pod).
HERE = ("rownd", POD)
HEALTHY = [
    ("an ordinary day", {HERE: GOOD}),
    ("keys in place, and an issuer that was removed", {HERE: GOOD | IN_PLACE | REMOVED}),
    ("replicas that share their state", {HERE: GOOD | SHARED, ("rownd", SECOND): GOOD | SHARED}),
    ("events that are delivered, some at the second attempt", {HERE: GOOD | EVENTS | {'event_attempts_failed_total{sink="crm"}': counting(1)}}),
    ("a shared state that is away for half a minute", {HERE: GOOD | SHARED | {
        "shared_up": [(PAST + 30, 1, 0), (1, 0, 0), (29, 1, 0)]}}),
    ("no request at all", {HERE: GOOD | NO_TRAFFIC}),
    ("a pod that has just started", {HERE: GOOD, ("rownd", SECOND): YOUNG}),
    ("the same reason as ever, however often", {HERE: GOOD | checks(60, token_missing=600)}),
    ("a certificate that lasts a month", {HERE: GOOD | {
        "certificate_not_after_timestamp_seconds": steady((PAST + HOUR + 30 * 1440) * 60)}}),
    ("one fetch in an hour", {HERE: GOOD | {
        'key_fetch_last_success_timestamp_seconds{issuer="rownd"}': [(PAST, 1, 60), (HOUR, 60 * PAST, 0)]}}),
    ("siblings that fail", {HERE: GOOD} | {where: BROKEN for where in ELSEWHERE}),
    ("keys in place, and an issuer that is not fetched for half an hour after the start", {HERE: GOOD | {
        'keys{issuer="idp"}': [(PAST + 25, "_", None), (35, 2, 0)], 'keys_stale{issuer="idp"}': [(PAST + 25, "_", None), (35, 1, 0)],
        'key_fetch_last_success_timestamp_seconds{issuer="idp"}': [(PAST + 25, "_", None), (35, 0, 0)]}}),
    ("a hook that fails now and then", {HERE: GOOD | {'faults{part="hook"}': [(PAST, 0, 0), (10, 1, 0), (20, 0, 0), (10, 1, 0), (20, 0, 0)]}}),
    ("a restart after lines of the log were lost long ago", {HERE: GOOD | {"log_lines_lost": [(PAST, 1000, 0), (HOUR, 0, 0)]}}),
    ("a daemon set beside a release of its own", {("rownd", "rownd-authz-x2k4v"): GOOD, HERE: GOOD}),
]

FAULTS = [
    ("checks that cannot be decided", {
        'checks_total{api="ext_authz",outcome="unavailable",reason="keys_unavailable"}':
            then(20, counting(0), (0, 10))},
     {"RowndAuthzCannotDecide": [({}, {"description": "1.466% of the checks. The label reason of "
                                       "rownd_authz_checks_total says why; docs/deny-reasons.md says what to do."})]}),
    ("an issuer that never answered", {
        'keys{issuer="new"}': steady(0), 'key_fetch_last_success_timestamp_seconds{issuer="new"}': steady(0)},
     {"RowndAuthzNoKeys": [({"issuer": "new"}, {})]}),
    ("keys that are not refreshed, still in use", {
        'key_fetch_last_success_timestamp_seconds{issuer="rownd"}': then(70, [(PAST + HOUR, 1, 60)], (None, 0))},
     {"RowndAuthzKeysNotRefreshed": [({"issuer": "rownd"}, {
         "summary": "No fresh keys from issuer rownd for 1h 8m 59s"})]}),
    ("an issuer with keys in place that never answered", {
        'keys{issuer="idp"}': steady(1), 'keys_stale{issuer="idp"}': steady(1),
        'key_fetch_last_success_timestamp_seconds{issuer="idp"}': steady(0)},
     {"RowndAuthzKeysNotRefreshed": [({"issuer": "idp"}, {"summary": "No fresh keys from issuer idp for 1h 0m 0s"})]}),
    ("keys that are too old, and none in use", {
        'keys{issuer="rownd"}': then(10, steady(2), (0, 0)),
        'key_fetch_last_success_timestamp_seconds{issuer="rownd"}': then(170, [(PAST + HOUR, 1, 60)], (None, 0))},
     {"RowndAuthzNoKeys": [({"issuer": "rownd"}, {})],
      "RowndAuthzKeysNotRefreshed": [({"issuer": "rownd"}, {
          "summary": "No fresh keys from issuer rownd for 2h 48m 59s"})]}),
    ("an app key that Rownd refuses at the start", {'app_keys_refused{issuer="rownd"}': then(10, steady(0), (1, 0))},
     {"RowndAuthzAppKeyRefused": [({"issuer": "rownd"}, {})]}),
    ("an app secret that Rownd refuses", {
        'rownd_requests_total{issuer="rownd",endpoint="user",result="refused"}': then(10, counting(0), (0, 2))},
     {"RowndAuthzAppKeyRefused": [({"issuer": "rownd"}, {})]}),
    ("a snapshot that cannot be written", {
        'key_snapshots_total{issuer="rownd",result="write_failed"}': then(60, counting(0), (1, 0))},
     {"RowndAuthzSnapshotUnwritable": [({"issuer": "rownd"}, {})]}),
    ("a configuration that is refused", {'reload_failed{what="config"}': then(5, steady(0), (1, 0))},
     {"RowndAuthzConfigurationRefused": [({"what": "config"}, {})]}),
    ("a certificate that is refused", {'reload_failed{what="certificate"}': then(5, steady(0), (1, 0))},
     {"RowndAuthzConfigurationRefused": [({"what": "certificate"}, {})]}),
    ("a certificate near its end", {
        "certificate_not_after_timestamp_seconds": steady((PAST + HOUR - 1 + 6 * 1440) * 60)},
     {"RowndAuthzCertificateExpires": [({}, {
         "summary": "The certificate of a listener ends in 6d 0h 0m 0s"})]}),
    ("a certificate that has ended", {"certificate_not_after_timestamp_seconds": steady((PAST + HOUR - 11) * 60)},
     {"RowndAuthzCertificateExpires": [({}, {
         "summary": "The certificate of a listener ends in -10m 0s"})]}),
    ("many more denials for one reason than a day ago", {
        'checks_total{api="ext_authz",outcome="deny",reason="token_expired"}': then(40, counting(12), (None, 600))},
     {"RowndAuthzDenialsUnusual": [({"reason": "token_expired"}, {
         "summary": "token_expired: 47.62% of the checks, much more than in the day before"})]}),
    ("a reason that was never seen before", {
        'checks_total{api="ext_authz",outcome="deny",reason="signature_invalid"}': then(40, counting(0), (0, 60))},
     {"RowndAuthzDenialsUnusual": [({"reason": "signature_invalid"}, {
         "summary": "signature_invalid: 8.197% of the checks, much more than in the day before"})]}),
    ("checks that take long", {
        f'check_duration_seconds_bucket{{api="ext_authz",outcome="allow",le="{le}"}}':
            then(30, counting(600 * before), (None, 600 * after))
        for le, before, after in (("0.001", 0.98, 0.5), ("0.01", 1, 0.9), ("0.25", 1, 1), ("+Inf", 1, 1))},
     {"RowndAuthzSlow": [({}, {"summary": "One check in a hundred takes longer than 226ms"})]}),
    ("a full disk below the log", {"log_write_errors_total": then(14, counting(0), (0, 3))},
     {"RowndAuthzLogLost": [({}, {})]}),
    ("a log that is read too slowly", {"log_lines_lost": then(14, counting(0), (0, 3))},
     {"RowndAuthzLogLost": [({}, {})]}),
    ("a shared state that does not answer", {"shared_up": then(3, steady(1), (0, 0))},
     {"RowndAuthzSharedStateDown": [({}, {})]}),
    ("a revocation that the others do not get", {"shared_unsent_revocations": then(10, steady(0), (1, 0))},
     {"RowndAuthzRevocationsNotShared": [({}, {})]}),
    ("a list that is too small for all revocations", {"shared_left_out_revocations": then(10, steady(0), (7, 0))},
     {"RowndAuthzRevocationsNotShared": [({}, {})]}),
    ("events that were given up", {
        'events_dead_total{sink="crm"}': then(20, counting(0), (0, 1))},
     {"RowndAuthzEventsLost": [({"sink": "crm"}, {})]}),
    ("events for which there is no room", {
        'events_dropped_total{sink="crm",type="user.deleted"}': then(20, counting(0), (0, 1))},
     {"RowndAuthzEventsLost": [({"sink": "crm"}, {})]}),
    ("a receiver that takes nothing", {
        'event_attempts_failed_total{sink="crm"}': then(40, counting(0), (0, 2)),
        'events_sent_total{sink="crm"}': counting(0)},
     {"RowndAuthzEventSinkDown": [({"sink": "crm"}, {})]}),
    ("a hook that does not answer", {'faults{part="hook"}': then(20, steady(0), (2, 0))},
     {"RowndAuthzPartAtFault": [({"part": "hook"}, {})]}),
    ("a source of events that cannot be polled", {'faults{part="event_poll"}': then(20, steady(0), (1, 0))},
     {"RowndAuthzPartAtFault": [({"part": "event_poll"}, {})]}),
    ("a listener that cannot accept connections", {'faults{part="listener"}': then(20, steady(0), (1, 0))},
     {"RowndAuthzPartAtFault": [({"part": "listener"}, {})]}),
    ("nothing is scraped", {name: [(PAST + HOUR - 20, 0, 0), (20, "_", None)] for name in GOOD},
     {"RowndAuthzAbsent": [({"namespace": "rownd"}, {})]}),
    ("the emulator runs", {"dev_mode": steady(1)}, {"RowndAuthzDevMode": [({}, {})]}),
]
# The faults of one pod while another one of the release is well, or restarts.
OF_ONE_POD = [
    ("a receiver that takes nothing from one pod", {HERE: GOOD | EVENTS | {
        'event_attempts_failed_total{sink="crm"}': counting(1), 'events_sent_total{sink="crm"}': steady(0)},
        ("rownd", SECOND): GOOD | EVENTS},
     {"RowndAuthzEventSinkDown": [({"sink": "crm"}, {})]}),
    ("a log that one pod loses while another pod restarts", {
        HERE: GOOD | {"log_lines_lost": [(PAST + HOUR - 10, 1000, 0), (10, 0, 0)]},
        ("rownd", SECOND): GOOD | {"log_lines_lost": then(14, counting(0), (0, 10))}},
     {"RowndAuthzLogLost": [({}, {})]}),
]
# The same faults beside a sibling that is well, which must not hide them.
BESIDE = {("rownd", SIBLING): GOOD}
