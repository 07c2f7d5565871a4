"""What the chart asks of a cluster: an API server of a few pages, with one Deployment in it.

In: Helm, the chart, and what lives in the cluster. Out: what Helm renders when it may ask
(`helm template --dry-run=server`).
"""

import http.server
import json
import pathlib
import subprocess
import tempfile
import threading

# The kinds that discovery lists. Helm looks up every kind that the chart makes.
KINDS = {
    "v1": ["ConfigMap", "Pod", "Service", "ServiceAccount"],
    "apps/v1": ["DaemonSet", "Deployment"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "policy/v1": ["PodDisruptionBudget"],
}


def discovery():
    """The pages that say which kinds there are."""
    pages = {"/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"},
             "/api": {"kind": "APIVersions", "versions": ["v1"]}}
    groups = []
    for version, kinds in KINDS.items():
        group, _, name = version.rpartition("/")
        if group:
            known = {"groupVersion": version, "version": name}
            groups.append({"name": group, "versions": [known], "preferredVersion": known})
        pages[f"/apis/{version}" if group else "/api/v1"] = {
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version,
            "resources": [{"name": f"{kind.lower()}s", "singularName": kind.lower(), "namespaced": True, "kind": kind,
                           "verbs": ["get"]} for kind in kinds]}
    return {**pages, "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}}


def deployment(name, replicas, labels):
    """A Deployment as the API server shows it."""
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": "rownd", "labels": {"app.kubernetes.io/managed-by": "Helm"},
                         "annotations": {"meta.helm.sh/release-name": "release",
                                         "meta.helm.sh/release-namespace": "rownd"}},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}}}


class Cluster:
    """An API server on a free port, for as long as the block lasts."""

    def __init__(self, *objects):
        pages = discovery()
        for item in objects:
            pages[f"/apis/apps/v1/namespaces/rownd/deployments/{item['metadata']['name']}"] = item
        self.asked = asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.partition("?")[0]
                asked.append(path)
                missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
                body = json.dumps(pages.get(path, missing)).encode()
                self.send_response(200 if path in pages else 404)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def render(self, program, chart, values):
        """The process that renders these values, with the cluster's answers."""
        folder = pathlib.Path(self.folder.name)
        where = f"http://127.0.0.1:{self.server.server_port}"
        (folder / "config").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": where}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}]}))
        (folder / "values.yaml").write_text(json.dumps(values))
        return subprocess.run(
            [program, "template", "release", chart, "--namespace", "rownd", "--dry-run=server", "--disable-openapi-validation",
             "-f", folder / "values.yaml"],
            capture_output=True, text=True,
            env={"KUBECONFIG": str(folder / "config"), "HOME": str(folder), "HELM_CACHE_HOME": str(folder)})
