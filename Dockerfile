# docker build -t suite . && docker run --rm -v "$PWD/runs:/home/suite/runs" suite run --methods ga,npo --bench tofu
FROM python:3.11-slim
# PIP_EXTRA_INDEX_URL may name an index with CPU builds of torch, which are much smaller.
ARG PIP_EXTRA_INDEX_URL=""
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY suite suite
COPY plugins plugins
COPY benchmarks benchmarks
RUN pip install --no-cache-dir --constraint constraints.txt .
WORKDIR /home/suite
# Mount a folder here to keep what was computed.
ENV SUITE_STORE=/store
VOLUME /store
ENTRYPOINT ["suite"]
CMD ["--help"]
