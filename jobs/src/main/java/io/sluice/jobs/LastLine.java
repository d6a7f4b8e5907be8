package io.sluice.jobs;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import io.sluice.config.Provenance;
import io.sluice.failure.ExitStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * The last line on standard output, for the program that started the job: one JSON object.
 *
 * <pre>{@code
 * {"job":"train","exitStatus":0,"seconds":93.1,"runId":"…","codeVersion":"…","configHash":"…",
 *  "startedAt":"…","report":{…}}
 * }</pre>
 *
 * A failed job has {@code "error"}, the message, in place of {@code report}; a job whose result was
 * refused by a quality gate has both.
 */
final class LastLine {
  // Jackson's modules for java.time and Optional are not among Spark's own jars
  private static final ObjectMapper MAPPER =
      new ObjectMapper()
          .registerModule(
              new SimpleModule("sluice-reports")
                  .addSerializer(Instant.class, ToStringSerializer.instance)
                  .addSerializer(Duration.class, ToStringSerializer.instance)
                  .addSerializer(Path.class, ToStringSerializer.instance)
                  .addSerializer(optionals()));

  private final ObjectNode node = MAPPER.createObjectNode();

  LastLine(String job, ExitStatus status, Provenance provenance, double seconds) {
    node.put("job", job);
    node.put("exitStatus", status.code());
    node.put("seconds", Math.round(seconds * 1000) / 1000.0);
    if (provenance != null) {
      node.put("runId", provenance.runId());
      node.put("codeVersion", provenance.codeVersion());
      node.put("configHash", provenance.configHash());
      node.put("startedAt", provenance.startedAt().toString());
    }
  }

  LastLine report(Object report) {
    node.set("report", MAPPER.valueToTree(report));
    return this;
  }

  LastLine failure(Throwable failure) {
    String message = failure.getMessage();
    node.put("error", message == null ? failure.getClass().getName() : message);
    return this;
  }

  String json() {
    try {
      return MAPPER.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values cannot fail to print", e);
    }
  }

  private static JsonSerializer<Optional<?>> optionals() {
    return new JsonSerializer<>() {
      @Override
      public void serialize(Optional<?> value, JsonGenerator json, SerializerProvider provider)
          throws IOException {
        provider.defaultSerializeValue(value.orElse(null), json);
      }

      @Override
      @SuppressWarnings({"unchecked", "rawtypes"})
      public Class<Optional<?>> handledType() {
        return (Class) Optional.class;
      }
    };
  }
}
