"""A hook of MkDocs. In the site, links of pages to files outside of docs/ lead to the repository."""

import posixpath
import re

# A word after the language says to the tests that the block is wrong on purpose.
WRONG = re.compile(r"^```(\w+) error$", re.MULTILINE)
LINK = re.compile(r"\]\((\.\./[^)\s]+|openapi\.json|benchmarks\.json)\)")


def on_page_markdown(markdown, page, config, files):
    """Rewrites relative links that leave docs/, as in [x](../examples), and the marks of the tests."""
    here = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def replace(match):
        target = posixpath.normpath(posixpath.join(here, match.group(1)))
        if target.startswith("docs/") and not target.endswith(".json"):
            return match.group(0)
        return f"]({config.repo_url}/blob/main/{target})"

    return LINK.sub(replace, WRONG.sub(r"```\1", markdown))
