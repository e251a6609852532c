"""The JavaScript and TypeScript in all pages has the right types and names."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import npm
from tests.support.pages import PAGES, ROOT, code_blocks, page_id

LANGUAGES = ("javascript", "js", "jsx", "typescript", "ts", "tsx")
# What the code in the pages leaves to the reader. The code that a page tells to copy as it is must
# be a file in docs/recipes, and is compiled with the types of its framework.
NAMES = """
import * as social from "django-social-endpoints";
declare global {
    const createClient: typeof social.createClient;
    const createNonce: typeof social.createNonce;
    const SocialError: typeof social.SocialError;
    const client: social.Client<{ token: string }>;
    const redirectUri: string, url: string, CLIENT_ID: string, SESSION: string;
    const button: HTMLButtonElement, form: HTMLFormElement;
    const addButton: any, ask: any, askSDK: any, begin: any, completeConnect: any, connect: any;
    const cookies: any, draw: any, forgetToken: any, google: any, post: any, readToken: any;
    const show: any, showError: any, showErrors: any, showForm: any, signOut: any;
    const storeToken: any, valuesOf: any, readRefreshToken: any, storeTokens: any;
    const showButtons: any, showName: any;
    namespace JSX { interface IntrinsicElements { [element: string]: any } }
}
"""
# A package that is not installed has the type "any".
OTHER_PACKAGES = 'declare module "*";\n'
OPTIONS = (
    "--noEmit", "--useUnknownInCatchVariables", "false", "--noFallthroughCasesInSwitch",
    "--target", "es2023", "--lib", "es2023,dom,dom.iterable", "--module", "preserve",
    "--moduleResolution", "bundler",
    "--jsx", "preserve", "--skipLibCheck",
)  # fmt: skip


def programs() -> Iterator[tuple[str, str]]:
    """Yield the name and the code of each block, as a module."""
    for path in PAGES:
        blocks = code_blocks(path, *LANGUAGES)
        for html in code_blocks(path, "html", "html+django", "html+jinja"):
            scripts = re.findall(r"<script\b[^>]*>(.*?)</script>", html, re.DOTALL)
            blocks += [re.sub(r"{%.*?%}|{{.*?}}", "value", script) for script in scripts]
        for number, block in enumerate(blocks):
            name = f"{re.sub(r'[^a-z0-9]+', '_', page_id(path).lower())}_{number}.tsx"
            imports = re.findall(r"^import [^;]*?;?$", block, re.MULTILINE)
            rest = re.sub(r"^import [^;]*?;?$", "", block, flags=re.MULTILINE)
            if not re.search(r"^export ", rest, re.MULTILINE):
                rest = f"async () => {{\n{rest}}};\n"
            yield name, "\n".join([*imports, rest, "export {};\n"])


def compiled(directory: Path, blocks: dict[str, str]) -> str:
    """Return the errors of the compiler in blocks of code."""
    packages = directory / "node_modules"
    packages.mkdir()
    (packages / "django-social-endpoints").symlink_to(ROOT / "frontend")
    files = {**blocks, "names.d.ts": NAMES, "packages.d.ts": OTHER_PACKAGES}
    for name, code in files.items():
        (directory / name).write_text(code)
    tsc = npm.installed(npm.CLIENT_TOOLS) / "node_modules" / "typescript" / "bin" / "tsc"
    completed = subprocess.run(
        [npm.find("node"), tsc, *OPTIONS, *files],
        check=False, cwd=directory, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return completed.stdout + completed.stderr


def test_code_in_pages_compiles(tmp_path: Path) -> None:
    blocks = dict(programs())

    assert len(blocks) > 20
    errors = compiled(tmp_path, blocks)
    assert not errors, errors


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("const a = ;", "TS1109"),
        ("async () => { await clyent.signIn('github'); };", "TS2552"),
        ("async () => { await client.begun('github'); };", "TS2339"),
        ('import { createClint } from "django-social-endpoints"; createClint;', "TS2724"),
    ],
)
def test_mistakes_are_found(code: str, error: str, tmp_path: Path) -> None:
    assert error in compiled(tmp_path, {"mistake.tsx": f"{code}\nexport {{}};\n"})
