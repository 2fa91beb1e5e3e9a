"""The only part of `fer` that knows Streamlit."""
