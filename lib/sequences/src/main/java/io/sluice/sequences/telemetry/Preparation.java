package io.sluice.sequences.telemetry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.deser.std.FromStringDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import io.sluice.failure.InvalidInputException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * How raw telemetry becomes steps on the grid, with every choice resolved: what the manifest keeps
 * under {@code preparation}, so that scoring prepares new raw data in the same way.
 *
 * @param source where the training data lay and how it is read; reader options that hold a secret
 *     are left out
 * @param resample the grid and what fills it
 * @param segmentSteps origins per segment
 */
public record Preparation(
    SourceSettings source, SequenceSettings.Resample resample, int segmentSteps) {

  private static final Pattern SECRET =
      Pattern.compile("(?i)(password|passwd|secret|token|credential|key)");

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .addModule(
              new SimpleModule("java.time as text")
                  .addSerializer(Duration.class, ToStringSerializer.instance)
                  .addSerializer(Instant.class, ToStringSerializer.instance)
                  .addSerializer(ZoneId.class, ToStringSerializer.instance)
                  .addDeserializer(Duration.class, new Text<>(Duration.class, Duration::parse))
                  .addDeserializer(Instant.class, new Text<>(Instant.class, Instant::parse))
                  .addDeserializer(ZoneId.class, new Text<>(ZoneId.class, ZoneId::of)))
          .build();

  /** As JSON, keys sorted. */
  public JsonNode toJson() {
    return JSON.valueToTree(new Preparation(withoutSecrets(source), resample, segmentSteps));
  }

  /** Back from a manifest. */
  public static Preparation fromJson(JsonNode node) {
    try {
      return JSON.treeToValue(node, Preparation.class);
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          "The preparation recorded with this dataset or bundle cannot be read: %s. Rebuild it with build-sequences of this version."
              .formatted(e.getOriginalMessage()),
          e);
    }
  }

  /** Any settings record as JSON, keys sorted. */
  static JsonNode json(Object settings) {
    return JSON.valueToTree(settings);
  }

  private static SourceSettings withoutSecrets(SourceSettings s) {
    Map<String, String> open = new TreeMap<>(s.options());
    open.keySet().removeIf(key -> SECRET.matcher(key).find());
    return new SourceSettings(
        s.path(),
        s.format(),
        open,
        s.layout(),
        s.columnNames(),
        s.columns(),
        s.seriesFrom(),
        s.goodQuality(),
        s.time(),
        s.extraColumns(),
        s.testPath());
  }

  /** Reads a value from its text. */
  private static final class Text<T> extends FromStringDeserializer<T> {
    private static final long serialVersionUID = 1L;
    private final transient Function<String, T> parse;

    Text(Class<T> type, Function<String, T> parse) {
      super(type);
      this.parse = parse;
    }

    @Override
    protected T _deserialize(String value, DeserializationContext context) {
      return parse.apply(value);
    }
  }
}
