# The lab's own image: API, worker, gateway, scorecard, dashboard and agent all run from it.
#
# The base is an argument: an official image by default, one built from Debian's packages where no registry answers
# (`make images-local`). Nothing here needs BuildKit.
ARG BASE_IMAGE=python:3.12.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
COPY requirements.lock /tmp/requirements.lock
# A layer of its own: it changes with the lock, not with the code. Hashes are checked.
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --no-cache-dir --no-input --progress-bar off --disable-pip-version-check \
      --require-hashes -r /tmp/requirements.lock

FROM ${BASE_IMAGE}
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY pyproject.toml README.md requirements.in ./
COPY services services
COPY chaos chaos
COPY launch launch
COPY loadtests loadtests
COPY dashboard dashboard
COPY scenarios scenarios
RUN /opt/venv/bin/python -m pip install --no-input --quiet --disable-pip-version-check \
      --no-deps --no-build-isolation --no-index --editable . \
 && /opt/venv/bin/python -m compileall -q -x samples/skeleton chaos launch services loadtests dashboard \
 && mkdir -p /lab evidence \
 && echo 'lab:x:65532:65532::/tmp:/bin/false' >>/etc/passwd && echo 'lab:x:65532:' >>/etc/group
# Which sources it was built from: `make up` builds it again when the checkout has other ones.
ARG SOURCES=unknown
LABEL firedrill.sources=${SOURCES}
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
# compose.yaml runs it as whoever called; this one is for everybody else.
USER 65532:65532
CMD ["firedrill", "--help"]
