# The server without a database: PostgreSQL is another container or service (compose.yaml).

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# Pins first: a change of code leaves these layers alone.
COPY requirements.txt requirements-build.txt ./
RUN python -m venv --without-pip /opt/scimserver \
    && python -m pip install --require-hashes --only-binary=:all: -r requirements-build.txt \
    && python -m pip --python /opt/scimserver/bin/python install \
        --require-hashes --only-binary=:all: -r requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY sql sql
COPY tests/conformance/dialogues tests/conformance/dialogues
COPY scimserver scimserver
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python -m pip --python /opt/scimserver/bin/python install --no-deps --no-index dist/*.whl


FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="scimserver" \
      org.opencontainers.image.description="A SCIM 2.0 provisioning endpoint" \
      org.opencontainers.image.licenses="Apache-2.0"

# A fixed number, so that orchestrators can check that nobody runs as root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
    --shell /usr/sbin/nologin scimserver

COPY --from=build /opt/scimserver /opt/scimserver
ENV PATH=/opt/scimserver/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SCIMSERVER_HOST=0.0.0.0 \
    SCIMSERVER_PORT=8080

USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["scimserver", "health", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["scimserver"]
CMD ["serve"]
