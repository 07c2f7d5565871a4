# The image of rownd-authz: the release binary, as non-root.
# Both bases are arguments, for registries of one's own.
ARG BUILD_BASE=docker.io/library/rust:1.95-bookworm
ARG RUN_BASE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_BASE} AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY build ./build
COPY crates ./crates
COPY proto ./proto
COPY src ./src
# There is no git here; `--version` and the metric rownd_authz_build_info name this.
ARG REVISION=unknown
# The emulator, which mints tokens, has an image of its own.
RUN BUILD_REVISION="${REVISION}" cargo build --release --locked --bin rownd-authz
WORKDIR /src/target/release
RUN objcopy --only-keep-debug rownd-authz rownd-authz.debug \
    && objcopy --strip-all --add-gnu-debuglink=rownd-authz.debug rownd-authz

# The debug symbols of the same build: --target symbols --output type=local,dest=DIRECTORY
FROM scratch AS symbols
COPY --from=build /src/target/release/rownd-authz.debug /

FROM ${RUN_BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rownd-authz" \
      org.opencontainers.image.description="Authentication sidecar: Envoy external authorization for Rownd tokens" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /src/target/release/rownd-authz /usr/local/bin/rownd-authz
COPY LICENSE /usr/share/doc/rownd-authz/LICENSE
USER 65532:65532
# grpc and ops. Both listen on loopback unless configured otherwise: a sidecar shares
# its pod's network, so Envoy reaches them there; docs/configuration.md has the rest.
EXPOSE 50051 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/rownd-authz", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/rownd-authz"]
CMD ["serve"]
