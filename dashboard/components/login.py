"""Where a viewer gives the presenter code; only the browser can keep the cookie that answers it."""

from __future__ import annotations

from streamlit.components.v2 import component

from dashboard.components.module import module

_FORM = """
<form class="gs-login">
  <label>Presenter code
    <input name="code" required maxlength="100" autocomplete="off" spellcheck="false" placeholder="abcd-efgh">
  </label>
  <button>Enter</button>
  <output role="alert"></output>
</form>
"""

_login = component("ganscope_login", html=_FORM, js=module("login.js"), isolate_styles=False)


def login(key: str) -> None:
    """Draws the form; with the right code the page reloads, and the visitor may change things."""
    _login(key=key)
