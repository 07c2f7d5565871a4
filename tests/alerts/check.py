"""Holds the shipped alerts to what they promise, by the real promtool: `make monitoring` runs this.

In: the chart, Helm 4, promtool, worlds.py. Out: nothing and 0, or every problem and 1. With
`--update` it writes deploy/prometheus/alerts.yaml anew: the chart's alerts for a Prometheus without
Kubernetes.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

import worlds

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "deploy" / "helm" / "rownd-authz"
PLAIN = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RUNBOOK = ROOT / "docs" / "runbook.md"
METRICS = ROOT / "docs" / "metrics.md"
# The series without Kubernetes: what a scrape configuration calls them.
JOB = 'job="rownd-authz"'
PLAIN_HEAD = """\
# The alerts of the Helm chart for a Prometheus without its operator: a file of `rule_files`. The job
# that scrapes rownd-authz is called rownd-authz. Written by `make monitoring ARGS=--update`.
"""

problems = []


class Readable(yaml.SafeDumper):
    """An expression of several lines stays one."""


Readable.add_representer(str, lambda dumper, text: dumper.represent_scalar(
    "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None))


def problem(where, what):
    problems.append(f"{where}: {what}")


def rendered(helm, *settings):
    """The groups of the chart's PrometheusRule."""
    text = subprocess.run(
        [helm, "template", "rownd-authz", CHART, "--namespace", "rownd", "--set", "prometheusRule.enabled=true",
         "--show-only", "templates/prometheusrule.yaml", *settings],
        check=True, capture_output=True, text=True).stdout
    return text, yaml.safe_load(text)["spec"]


# --- worlds for promtool --------------------------------------------------------------------


def values(pieces):
    """The notation of promtool: `first+stepxmore`, or `_xtimes` for no sample."""
    words = []
    for minutes, first, step in pieces:
        if first == "_":
            words.append(f"_x{minutes}")
        elif first == "NaN":
            words.append(" ".join(["NaN"] * minutes))
        else:
            words.append(f"{first}{step:+}x{minutes - 1}")
    return " ".join(words)


def series(world):
    for (namespace, pod), metrics in world.items():
        for name, pieces in metrics.items():
            metric, _, labels = name.partition("{")
            labels = ",".join(filter(None, [f'namespace="{namespace}",pod="{pod}"', labels.rstrip("}")]))
            yield {"series": f"rownd_authz_{metric}{{{labels}}}", "values": values(pieces)}


def expected(rule, fires):
    """An alert as promtool has to see it: texts without a template are those of the rule."""
    labels, annotations = fires
    texts = {}
    for name, text in rule["annotations"].items():
        for label, value in labels.items():
            text = text.replace("{{ $labels.%s }}" % label, value)
        texts[name] = annotations.get(name, text)
    return {"exp_labels": rule["labels"] | labels, "exp_annotations": texts}


def case(world, rules, minutes, alerts):
    """One test: at these minutes these alerts fire, and no others."""
    checks = []
    for minute in minutes:
        for name, rule in rules.items():
            fires = [expected(rule, each) for each in alerts.get(name, [])]
            checks.append({"eval_time": f"{minute}m", "alertname": name, "exp_alerts": fires})
    return {"interval": "1m", "input_series": list(series(world)), "alert_rule_test": checks}


def tests(rules):
    last = worlds.PAST + worlds.HOUR - 1
    for name, world in worlds.HEALTHY:
        yield name, case(world, rules, range(last - 60, last + 1, 5), {})
    for name, changes, alerts in worlds.FAULTS:
        world = {worlds.HERE: worlds.GOOD | changes} | worlds.BESIDE
        yield name, case(world, rules, [last], alerts)
    for name, world, alerts in worlds.OF_ONE_POD:
        yield name, case(world, rules, [last], alerts)


def check_alerts(promtool, spec):
    rules = {rule["alert"]: rule for group in spec["groups"] for rule in group["rules"]}
    tried = {name for _, _, alerts in worlds.FAULTS for name in alerts}
    for name in rules.keys() ^ tried:
        problem(name, "is tried in no world, or is no alert")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "rules.yaml"
        file.write_text(yaml.safe_dump(spec, sort_keys=False))
        done = subprocess.run([promtool, "check", "rules", "--lint-fatal", file], capture_output=True, text=True)
        if done.returncode:
            problem("promtool check rules", done.stdout + done.stderr)
        count = 0
        for name, each in tests(rules):
            count += 1
            test = pathlib.Path(folder) / "test.yaml"
            test.write_text(yaml.safe_dump({"rule_files": [str(file)], "evaluation_interval": "1m", "tests": [each]}))
            done = subprocess.run([promtool, "test", "rules", test], capture_output=True, text=True)
            if done.returncode:
                problem(name, done.stdout + done.stderr)
    return rules, count


# --- the pages ------------------------------------------------------------------------------


def check_runbook(rules):
    """Each alert leads to its own section, which says what to do."""
    headings = re.findall(r"^## (.+)$", RUNBOOK.read_text(), re.M)
    for name, rule in rules.items():
        if name not in headings:
            problem(name, "has no section in docs/runbook.md")
        if rule["annotations"].get("runbook_url") != f"docs/runbook.md#{name.lower()}":
            problem(name, f"leads to {rule['annotations'].get('runbook_url')}")
    for heading in headings:
        if heading.startswith("RowndAuthz") and heading not in rules:
            problem("docs/runbook.md", f"{heading} is no alert")


def check_queries(promtool):
    """The queries of docs/metrics.md are PromQL, one on each line that begins at the margin."""
    blocks = re.findall(r"^```promql\n(.+?)^```", METRICS.read_text(), re.M | re.S)
    queries = [query for block in blocks for query in re.split(r"\n(?=\S)", block.strip())]
    if len(queries) < 8:
        problem("docs/metrics.md", f"only {len(queries)} queries were found")
    group = {"name": "page", "rules": [{"record": f"page:{n}", "expr": query} for n, query in enumerate(queries)]}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "queries.yaml"
        file.write_text(yaml.safe_dump({"groups": [group]}))
        done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)
        if done.returncode:
            problem("docs/metrics.md", done.stdout + done.stderr)


def check_plain(promtool, text, update):
    spec = yaml.safe_load(text)["spec"]
    selector = re.search(r'namespace="rownd",pod=~"[^"]+"', text)[0]
    for group in spec["groups"]:
        for rule in group["rules"]:
            rule["expr"] = rule["expr"].replace(selector, JOB)
    plain = PLAIN_HEAD + yaml.dump(spec, Dumper=Readable, sort_keys=False, width=120)
    if update:
        PLAIN.parent.mkdir(exist_ok=True)
        PLAIN.write_text(plain)
    elif PLAIN.read_text() != plain:
        problem("deploy/prometheus/alerts.yaml", "is not the chart's: make monitoring ARGS=--update")
    done = subprocess.run([promtool, "check", "rules", "--lint-fatal", PLAIN], capture_output=True, text=True)
    if done.returncode:
        problem("deploy/prometheus/alerts.yaml", done.stdout + done.stderr)


def check_daemon_set(promtool, helm):
    """The pods of a DaemonSet have shorter names; those of a Deployment of the same name are others'."""
    _, spec = rendered(helm, "--set", "mode=daemonset")
    rules = {rule["alert"]: rule for group in spec["groups"] for rule in group["rules"]}
    world = {("rownd", "rownd-authz-x2k4v"): worlds.GOOD, worlds.HERE: worlds.BROKEN}
    last = worlds.PAST + worlds.HOUR - 1
    gone = {worlds.HERE: worlds.GOOD}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "rules.yaml"
        file.write_text(yaml.safe_dump(spec))
        cases = [case(world, rules, [last], {}), case(gone, rules, [last], {"RowndAuthzAbsent": [({"namespace": "rownd"}, {})]})]
        test = pathlib.Path(folder) / "test.yaml"
        test.write_text(yaml.safe_dump({"rule_files": [str(file)], "evaluation_interval": "1m", "tests": cases}))
        done = subprocess.run([promtool, "test", "rules", test], capture_output=True, text=True)
        if done.returncode:
            problem("daemon set", done.stdout + done.stderr)


def pod_name(name, generated, end):
    """A name as Kubernetes generates it: what stands before the last five characters is cut after 58."""
    return f"{name}-{generated}"[:58] + end


def check_pod_names(helm):
    """The alerts see the pods of releases whose names are so long that Kubernetes cuts the pods' own."""
    for length in (11, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54):
        name = ("rownd-authz-" + "a" * 50)[:length]
        text, _ = rendered(helm, "--set", f"fullnameOverride={name}")
        pattern = re.search(r'pod=~"([^"]+)"', text)[1]
        for digits in range(1, 11):
            pod = pod_name(name, "7d9f8b6c5d"[:digits] + "-", "x2k4v")
            if not re.fullmatch(pattern, pod):
                problem("pod names", f"{pattern} does not match {pod}")
        for other in (name + "-x2k4v", name + "-canary-7d9f8b6c5d-x2k4v", name + "-headless-x2k4v", "a" + name + "-7d9f8b6c5d-x2k4v"):
            if re.fullmatch(pattern, other):
                problem("pod names", f"{pattern} matches {other}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--promtool", required=True)
    parser.add_argument("--helm", required=True)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    text, spec = rendered(arguments.helm)
    check_plain(arguments.promtool, text, arguments.update)
    rules, count = check_alerts(arguments.promtool, spec)
    check_daemon_set(arguments.promtool, arguments.helm)
    check_pod_names(arguments.helm)
    check_runbook(rules)
    check_queries(arguments.promtool)
    for each in problems:
        print(each, file=sys.stderr)
    if problems:
        sys.exit(f"{len(problems)} problems")
    print(f"alerts: {len(rules)} in {count} worlds, by promtool: all good")


main()
