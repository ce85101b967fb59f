# The HTTP service in a container, for CPU or NVIDIA GPU. From the root:
#
#   docker build -f launch/docker/serve.Dockerfile -t xojl-serve:cpu .
#   docker build -f launch/docker/serve.Dockerfile -t xojl-serve:cuda --build-arg EXTRAS=serve,cuda .
#
#   docker run --rm --init -p 127.0.0.1:8000:8000 -v "$PWD/models:/models:ro" xojl-serve:cpu \
#     --model=/models/demo
#   docker run --rm --init --gpus all …                                       xojl-serve:cuda …
#
# Everything after the image's name goes to `python -m xojl_jax.serve`. CUDA's libraries come with
# JAX's wheels: the machine needs NVIDIA's driver and container toolkit, nothing more.

# ---- change these ----
ARG PYTHON=3.12
FROM python:${PYTHON}-slim
ARG EXTRAS=serve
# ----------------------

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# Compiled programs are kept in the home folder: mount a volume there to keep them for the next start.
RUN useradd --create-home --uid 1000 xojl
WORKDIR /app

# The libraries first, at the versions of requirements.txt: a change of code leaves this layer alone.
# The version is read from the package's own file.
COPY pyproject.toml requirements.txt README.md LICENSE ./
COPY xojl_jax/__init__.py xojl_jax/
RUN pip install --constraint requirements.txt ".[${EXTRAS}]"

COPY configs configs
COPY data_prep data_prep
COPY xojl_jax xojl_jax
RUN pip install --no-deps --editable .

USER 1000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "xojl_jax.serve", "--host=0.0.0.0", "--port=8000"]
