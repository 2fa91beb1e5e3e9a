# The dashboard with both models, without a data set:
#   docker build -t fer2013 . && docker run --rm -p 8501:8501 fer2013
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app
# Before the code, so that a change of code does not install everything anew.
COPY requirements.txt ./
RUN pip install -r requirements.txt

COPY pyproject.toml README.md LICENSE Home.py ./
COPY .streamlit/config.toml .streamlit/
COPY pages pages/
COPY fer fer/
COPY data data/
COPY models models/
RUN pip install --no-deps -e . \
    && useradd --create-home --uid 10001 fer \
    && mkdir -p runs data/fer2013 \
    && chmod 777 runs data/fer2013 /home/fer
# Some hosts run the image under a user id of their own.
ENV HOME=/home/fer

USER fer
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "Home.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true"]
