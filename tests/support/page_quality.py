"""Measure a page in the browser: accessibility with axe-core, layout shifts, and its width."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from tests.support import npm

AXE = {"axe-core": "4.14.1"}
# The rules whose result depends on the colours.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
RECORD_SHIFTS = """
    window.layoutShifts = [];
    window.layoutShiftsSince = 0;
    const observer = new PerformanceObserver((list) => layoutShifts.push(...list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
"""
# A shift is reported after the frame in which it happens. Small ones are the parts of a spinner.
TAKE_SHIFTS = """async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const name = ({ node }) => node?.id || node?.className || node?.nodeName;
    const found = layoutShifts.filter(
        ({ startTime, value }) => startTime >= layoutShiftsSince && value >= 0.001);
    return found.map(({ value, sources }) => [value, sources.map(name).join()]);
}"""
FORGET_SHIFTS = """async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    layoutShiftsSince = performance.now();
}"""
# Above this, Core Web Vitals call a page's layout unstable.
UNSTABLE = 0.1
RUN_AXE = """async (rules) => {
    // The preload would request the style sheets once more.
    const OPTIONS = { resultTypes: ["violations"], preload: false };
    const options = rules ? { runOnly: { type: "rule", values: rules } }
        : { rules: { "target-size": { enabled: true } } };
    const { violations } = await axe.run(document, { ...options, ...OPTIONS });
    const place = ({ target, failureSummary }) => `${target}: ${failureSummary}`;
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(place).join("; ")}`);
}"""


@cache
def axe_source() -> str:
    return (npm.installed(AXE) / "node_modules" / "axe-core" / "axe.min.js").read_text()


@dataclass
class Quality:
    """Collect the faults of all pages of a browser profile.

    :param origins: where pages may load resources from.
    """

    context: BrowserContext
    origins: tuple[str, ...]
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.add_init_script(RECORD_SHIFTS)
        self.context.on("console", self._add_message)
        self.context.on("request", self._add_request)

    def audit(self, page: Page, state: str, *, may_move: bool = False) -> None:
        """Add the faults of the state that a page shows now.

        :param may_move: whether the user has chosen something that has another height.
        """
        # In the middle of a transition, colours have another contrast.
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        faults = self._shifts(page, UNSTABLE if may_move else 0)
        # Playwright's evaluate() is not subject to the page's policy, as a <script> would be.
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe_source())
        faults += page.evaluate(RUN_AXE, None)
        page.emulate_media(color_scheme="dark")
        faults += [f"dark: {fault}" for fault in page.evaluate(RUN_AXE, COLOUR_RULES)]
        page.emulate_media(color_scheme="light")
        faults += self._overflows(page)
        page.evaluate(FORGET_SHIFTS)
        self.faults += [f"{state}: {fault}" for fault in faults]

    def _shifts(self, page: Page, limit: float) -> list[str]:
        shifts = page.evaluate(TAKE_SHIFTS)
        if sum(value for value, _ in shifts) <= limit:
            return []
        return [f"layout shift of {value:.3f}: {elements}" for value, elements in shifts]

    def _overflows(self, page: Page) -> list[str]:
        """Return the widths at which the page scrolls sideways (WCAG 2.2, 1.4.10: 320 px)."""
        original: Any = page.viewport_size
        found = []
        for width in (320, original["width"] // 2):
            if width < 320:
                continue
            page.set_viewport_size({**original, "width": width})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append(f"scrolls sideways at {width} px")
        page.set_viewport_size(original)
        return found

    def _add_message(self, message: ConsoleMessage) -> None:
        # The browser itself reports each refusal of the API.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _add_request(self, request: Request) -> None:
        if not request.url.startswith(self.origins):
            self.faults.append(f"request to {request.url}")
