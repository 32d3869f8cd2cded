"""Tests in headless Chromium: the explorers' pages alone, and the explorers in JupyterLab. See conftest."""
