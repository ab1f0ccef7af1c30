"""The frame around every page: its name, its look and the way from one to another."""

import streamlit as st

from pages.components import FOLDER, asset

st.set_page_config(page_title="Digit Studio", page_icon=str(FOLDER / "icon.png"), layout="centered")
st.html(f"<style>{asset('style.css')}</style>")
st.logo(str(FOLDER / "logo.svg"), icon_image=str(FOLDER / "icon.png"), size="large")

page = st.navigation(
    [
        st.Page("pages/draw.py", title="Draw", default=True),
        st.Page("pages/about.py", title="About"),
    ]
)
page.run()
