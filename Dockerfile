# One image for every service of docker-compose.yaml: Airflow's, and the local Salesforce org.
FROM python:3.12-slim-bookworm

ENV AIRFLOW_HOME=/opt/airflow \
    PYTHONPATH=/opt/airflow:/opt/airflow/config \
    PYTHONUNBUFFERED=1

WORKDIR /opt/airflow
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt \
    && useradd --uid 50000 --gid 0 --home-dir /opt/airflow airflow \
    && mkdir -p logs staging org \
    && chown -R airflow:root /opt/airflow

COPY --chown=airflow:root config config
COPY --chown=airflow:root dags dags
COPY --chown=airflow:root plugins plugins
COPY --chown=airflow:root include include

USER airflow
ENTRYPOINT ["python", "-m"]
CMD ["airflow", "version"]
