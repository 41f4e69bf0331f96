# One static binary, alone, as nobody. The data folder is the only state. Samara
# listens on loopback until it has TLS, so the container shares the host's network:
#   docker build -t samara .
#   docker run --network host -v samara:/data samara
# or publishes its ports with a certificate:
#   docker run -p 7377:7377 -p 7378:7378 -v samara:/data -v /etc/samara:/tls:ro samara \
#     serve --listen :7377 --tls-cert /tls/cert.pem --tls-key /tls/key.pem --swarm :7378
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/samara .
RUN install -d -m 0700 -o 65532 -g 65532 /out/data

FROM scratch
COPY --from=build /out/samara /samara
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV SAMARA_DATA=/data
VOLUME /data
EXPOSE 7377 7378
HEALTHCHECK --interval=30s --timeout=5s CMD ["/samara", "doctor", "--ready"]
ENTRYPOINT ["/samara"]
CMD ["serve"]
