# The page with the included model, as a user without rights:
#
#     docker build -t dogbreed .
#     docker run --rm -p 7860:7860 dogbreed
#
# Another model: docker run --rm -p 7860:7860 -e DOGBREED_MODEL=user/name dogbreed
FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1
WORKDIR /app
COPY requirements-serve.txt ./
RUN pip install --no-cache-dir -r requirements-serve.txt
COPY app.py ./
COPY dogbreed ./dogbreed
RUN useradd --create-home visitor
USER visitor
EXPOSE 7860
HEALTHCHECK --start-period=60s --timeout=5s CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:7860/api/health', timeout=4)"]
CMD ["python", "app.py", "--host=0.0.0.0", "--port=7860"]
