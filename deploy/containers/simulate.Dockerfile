# SPDX-License-Identifier: Apache-2.0
# tributary-simulate. Build from the project's folder:
#   docker build -f deploy/containers/simulate.Dockerfile -t tributary-simulate .
# Run with the plan, the data and the results outside:
#   docker run -v "$PWD":/work -w /work tributary-simulate plan.yaml --out results
FROM debian:bookworm-slim AS build
COPY deploy/setup.sh /setup.sh
RUN /setup.sh && rm -rf /var/lib/apt/lists/*
COPY . /source
RUN cmake --preset release -S /source -DTRIBUTARY_BENCH=OFF && \
    ninja -C /source/build/release tributary-simulate

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    libtorch1.13 libopenblas0-pthread libprotobuf32 libssl3 libabsl20220623 \
    libyaml-cpp0.7 libmatio11 libzip4 zlib1g libxxhash0 && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --home-dir /work --create-home tributary
COPY --from=build /source/build/release/bin/tributary-simulate /usr/local/bin/
USER tributary
WORKDIR /work
STOPSIGNAL SIGINT
ENTRYPOINT ["tributary-simulate"]
