"""How to reach a translator from elsewhere: HTTP, Python, agents (MCP), command line; as text to copy."""

from __future__ import annotations

import json
import shlex


def snippets(model: str, direction: str, address: str) -> dict[str, str]:
    """Text by the name of the access. ``address``: of the server, without a slash at its end."""
    other = direction != "a_to_b"
    url = shlex.quote(f"{address}/api/translate/{model}")
    form = f" -F direction={direction}" if other else ""
    arguments = f", direction={json.dumps(direction)}" if other else ""
    option = f" --direction {direction}" if other else ""
    servers = {"mcpServers": {"ganscope": {"url": f"{address}/studio/gradio_api/mcp/"}}}
    return {
        "HTTP": f"curl -s {url} -F file=@picture.png{form} -o translated.png\n",
        "Python": (
            "# pip install gradio_client\n"
            "from gradio_client import Client, handle_file\n\n"
            f"client = Client({json.dumps(f'{address}/studio/')})\n"
            f"path = client.predict(handle_file('picture.png'), model={json.dumps(model)}{arguments},\n"
            "                      api_name='/translate')\n"
        ),
        "Agents (MCP)": json.dumps(servers, indent=2) + "\n",
        "Command line": f"python -m engine translate {shlex.quote(model)} picture.png --out out{option}\n",
    }
