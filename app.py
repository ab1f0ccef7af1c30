"""The frame around every page: its name, its look, the way to the others, and the sidebar."""

import streamlit as st

from pages.components import FOLDER, asset, profile
from pages.components.frame import navigation, remember_visitor
from pages.components.retrain import sidebar

st.set_page_config(page_title="Digit Studio", page_icon=str(FOLDER / "icon.png"), layout="centered")
st.html(f"<style>{asset('style.css')}</style>")
st.logo(str(FOLDER / "logo.svg"), icon_image=str(FOLDER / "icon.png"), size="large")

remember_visitor()
page = navigation()
profile.arrive()
sidebar()
page.run()
