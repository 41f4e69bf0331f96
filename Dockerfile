# One static binary, alone, as nobody. The data folder is the only state:
#   docker build -t samara .
#   docker run -p 127.0.0.1:7377:7377 -v samara:/data samara
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
