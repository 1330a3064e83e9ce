# One image for every part of a cluster: the program, OpenBLAS, and nothing to compile with. `docker build -t sweep .`
FROM rust:1-trixie AS build
RUN apt-get update && \
    apt-get install -y --no-install-recommends libopenblas-dev pkg-config && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# For the provenance of results: --build-arg SWEEP_GIT_COMMIT=$(git rev-parse HEAD).
ARG SWEEP_GIT_COMMIT=
# What was downloaded and compiled is kept beside the layers: a change of the sources compiles no dependency again, one of
# a dependency that alone. Cargo goes by the time of a file; in a checkout that is older than what is kept it would see no
# change.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/source/target,sharing=locked \
    find . -name '*.rs' -not -path './target/*' -exec touch {} + && \
    CARGO_INCREMENTAL=0 cargo build --release --locked --package sweep-cli && \
    cp target/release/sweep /usr/local/bin/

FROM debian:trixie-slim
RUN apt-get update && \
    apt-get install -y --no-install-recommends libopenblas0-pthread && \
    rm -rf /var/lib/apt/lists/*
# A new volume takes owner and mode from here. In /secrets is what `sweep init` makes: a directory for each who reads it.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /work sweep && \
    install -d -o sweep -g sweep -m 0700 /work /var/lib/sweep /secrets/ca /secrets/coordinator /secrets/worker /secrets/user && \
    install -d -o sweep -g sweep -m 0755 /secrets/postgres
COPY --from=build /usr/local/bin/sweep /usr/local/bin/
# OpenBLAS starts its threads when it is loaded, before the program can say how many: none but the one.
ENV OPENBLAS_NUM_THREADS=1
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["sweep"]
