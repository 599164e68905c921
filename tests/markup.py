"""Two hundred pieces of markup, and somebody who names everything by them: whatever is shown of it must be text and nothing else."""

import json
import re
import urllib.parse
from pathlib import Path

from browsing import watched
from outside import Server
from surfing import Surfer

_SERVER = Path(__file__).parents[1] / "server"
_SOURCES = [*(_SERVER / "src/runkey_server/web/templates").glob("*.html"), *(_SERVER / "workspace/src").rglob("*.svelte")]
RUN = "window.__xss=1"
# What would run, load or lead somewhere, if it were read as markup.
ACTS = [
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><a xlink:href=javascript:{RUN}><text y=9>x",
    "<iframe srcdoc='<script>parent.__xss=1</script>'>",
    "<iframe src=javascript:parent.__xss=1>",
    f"<a href=javascript:{RUN}>x</a>",
    f"<form action=javascript:{RUN}><button>x",
    f"<button formaction=javascript:{RUN}>x",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<marquee onstart={RUN}>",
    f"<object data=javascript:{RUN}>",
    "<embed src=//evil.example/x>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<img src=//evil.example/seen.png>",
    "<div style=background:url(//evil.example/x)>x",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<math><mtext><style><img src=x onerror={RUN}></style>",
    "[x](javascript:alert(1)) ![x](//evil.example/x.png)",
    "<https://evil.example> https://evil.example",
    "{{constructor.constructor('window.__xss=1')()}}",
    "{{7*76543}}{% for x in range(9) %}x{% endfor %}",
    f"javascript:{RUN}",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#60;img src=x onerror={RUN}&#62;",
    f"%3Cscript%3E{RUN}%3C/script%3E",
    f"\\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
    f"＜script＞{RUN}＜/script＞",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<SCRIPT/x>{RUN}</SCRIPT/>",
    f"<![CDATA[<script>{RUN}</script>]]>",
    f"<!--><script>{RUN}</script>-->",
]
# What would end the place that it stands in: an attribute of either kind, a title, a field, a list.
ENDS = ["", '"> ', f"' onmouseover='{RUN}' x='", "</title></textarea></style>", "</dd></pre></code></td></table>"]
PAYLOADS = [end + act for act in ACTS for end in ENDS]
# What is not seen, or turns round what is: from the right, an isolate and its end, no space, a joiner, a byte order mark, a soft hyphen.
UNSEEN = ["\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\ufeff", "\u00ad"]
ODD = [UNSEEN[number % len(UNSEEN)] + payload + UNSEEN[number // 7 % len(UNSEEN)] for number, payload in enumerate(PAYLOADS)]

# Looks for anything that is not ours in the page that is open.
LOOK = """(known) => {
  const found = [];
  if (window.__xss !== undefined) found.push("it ran");
  for (const element of document.querySelectorAll("*")) {
    const name = element.tagName.toLowerCase();
    if (!known.includes(name)) found.push("<" + name + ">");
    for (const { name, value } of element.attributes)
      if (name.startsWith("on") || ["srcdoc", "formaction", "xlink:href", "target"].includes(name)) found.push(name + "=" + value);
    // Scripts of ours give their own elements sizes and colours. No markup that is put in has such a class.
    if (element.hasAttribute("style") && !element.matches(".uplot *, .uplot, [class*=svelte-]")) found.push("a style");
  }
  for (const element of document.querySelectorAll("[href], [src], [action]")) {
    const address = new URL(element.href?.baseVal ?? element.href ?? element.src ?? element.getAttribute("action"), document.baseURI);
    if (address.origin !== location.origin) found.push(address.href);
  }
  for (const script of document.querySelectorAll("script"))
    if (!script.getAttribute("src")?.startsWith("/static/")) found.push("a script");
  return found;
}"""


def _tags(source: Path) -> list[str]:
    """The elements that a page of ours is made of; the script and the style beside a component are no part of its markup."""
    text = source.read_text()
    if source.suffix == ".svelte":
        text = re.sub(r"(?s)<(script|style)\b.*?</\1>", "", text)
    return re.findall(r"<([a-z][a-z0-9]*)", text)


class Hall:
    """A server, somebody who names everything badly, and their browser."""

    def __init__(self, server: Server, browser: object) -> None:
        self.server = server
        self.eve = Surfer(server).sign_up("eve")
        self.key = server.key("eve")
        self.page = watched(browser, server)
        self.page.add_init_script("addEventListener('securitypolicyviolation', (event) => (window.__broken = event.violatedDirective))")
        self.page.context.add_cookies([{"name": name, "value": value, "url": server.url} for name, value in self.eve.cookies.items()])
        self.known = sorted({tag for source in _SOURCES for tag in _tags(source)} | {"canvas"})

    def token(self, path: str = "/settings/account") -> str:
        return self.eve.get(path).token

    def graphql(self, query: str, **variables: object) -> dict:
        status, body = self.server.post("/graphql", {"query": query, "variables": variables}, self.key)
        answer = json.loads(body)
        assert status == 200 and "errors" not in answer, answer
        return answer["data"]

    def visit(self, path: str, *, refused: bool = False) -> None:
        """Open a page; nothing of it may be anything but ours. refused: its status is no 200, of which the console may speak."""
        answer = self.page.goto(self.server.url + path)
        assert refused or answer.status == 200, (path, answer.status)
        if self.page.locator("#workspace").count():
            self.page.wait_for_selector("#workspace h1")
        self.check(path)

    def check(self, where: str) -> None:
        assert self.page.evaluate(LOOK, self.known) == [], where
        assert self.page.evaluate("window.__broken") is None, where
        # A form's or a page's answer of 400 and above, and a script that a frame without rights does not run, a console may speak of.
        may_be = r"responded with a status of 4\d\d|Blocked script execution in '[^']*/shown/"
        problems = [problem for problem in self.page.problems if not re.search(may_be, problem)]
        assert problems == [], (where, problems)

    def texts(self, selector: str) -> list[str]:
        return self.page.eval_on_selector_all(selector, "found => found.map(each => each.textContent)")


def as_name(payload: str) -> str:
    """As much of it as a project or a run may be called."""
    return re.sub(r"[/\\#?%:]", "", payload)[:128]


def quoted(*names: str) -> str:
    return "/" + "/".join(urllib.parse.quote(name, safe="") for name in names)


UPSERT = """
mutation U(
  $name: String!, $project: String!, $shown: String, $config: JSONString, $tags: [String!], $group: String, $job: String,
  $notes: String, $host: String, $program: String, $commit: String
) {
  upsertBucket(
    input: {
      name: $name, modelName: $project, displayName: $shown, config: $config, tags: $tags, groupName: $group, jobType: $job,
      notes: $notes, host: $host, jobProgram: $program, commit: $commit
    }
  ) { inserted }
}"""


def packed(most_characters: int, payloads: list[str] = PAYLOADS) -> list[str]:
    """Several in one text, as many as a place takes: what is markup in any of them is found among the others."""
    packs = [payloads[0]]
    for payload in payloads[1:]:
        if len(packs[-1]) + 1 + len(payload) <= most_characters:
            packs[-1] += f" {payload}"
        else:
            packs.append(payload)
    assert all(any(payload in pack for pack in packs) for payload in payloads)
    return packs
