# Nextshot as an image: nextshot run, with everything it keeps in the volume /data.
#
#   docker build --tag nextshot .
#   docker run --init --publish 127.0.0.1:8420:8420 --volume nextshot:/data --env NEXTSHOT_WEB_PASSWORD=… nextshot
#
# The page listens on every address of the container, so it asks for a password: without NEXTSHOT_WEB_PASSWORD (at least
# 8 characters) the program says so and ends. `python -m bench.dockerfile` runs every step below without a container engine.

FROM python:3.13-slim AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/nextshot UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
WORKDIR /src
RUN python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore "uv>=0.9,<1"
# What others wrote changes seldom, so it is a layer of its own.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --extra bot --no-install-project
COPY README.md ./
COPY bot ./bot
COPY engine ./engine
COPY storage ./storage
RUN uv sync --locked --no-dev --extra bot --no-editable

FROM python:3.13-slim
# Nextshot is MIT. The FFmpeg libraries inside of the PyAV wheel contain x264 and x265, which are GPL: whoever passes this
# image on does so under the terms of the GPL, version 3.
LABEL org.opencontainers.image.title="Nextshot" \
      org.opencontainers.image.description="A chat bot with which a group makes a film: /create, /continue, /stitch." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT AND GPL-3.0-or-later"
COPY --from=build /opt/nextshot /opt/nextshot
# 10001 is nobody's number on a usual host. The program may write to /data and to /tmp, and to nothing else.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
ENV PATH=/opt/nextshot/bin:$PATH HOME=/data PYTHONUNBUFFERED=1 NEXTSHOT_DATA_DIR=/data NEXTSHOT_WEB_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8420
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import http.client, os, sys; page = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('NEXTSHOT_WEB_PORT', '8420')), timeout=4); page.request('GET', '/healthz'); sys.exit(page.getresponse().status != 200)"]
CMD ["nextshot", "run"]
