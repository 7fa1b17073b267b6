"""The entry script: settings of the browser tab, the menu, and the page that the address asks for.

It must not lie beside a folder called ``pages/``: Streamlit would take that for its older kind of
multipage app.
"""

import streamlit as st

from dashboard import session
from dashboard.components.login import login
from dashboard.pages import PAGES
from dashboard.pages.parts.style import icon, wordmark

menu = {
    name: st.Page(page.script, title=page.title, url_path=page.path, default=not page.path, help=page.help)
    for name, page in PAGES.items()
}
page = st.navigation(list(menu.values()), position="top")
st.set_page_config(page_title=f"{page.title} · GANscope", page_icon=icon(), layout="wide")
st.logo(wordmark(dark=st.context.theme.type == "dark"), size="large")
if trouble := session.engine().trouble():
    st.warning(trouble)
if page.url_path:  # the home page has a heading to be seen
    with st.container(key="page_heading"):
        st.html(f"<h1>{page.title}</h1>")
page.run()
if not session.may_change():
    with st.popover("You are watching", type="tertiary", key="watching"):
        st.caption("Only the presenter starts and steers runs. The server's terminal shows the code.")
        login(key="login")
