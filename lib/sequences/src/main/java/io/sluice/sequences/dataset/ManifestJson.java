package io.sluice.sequences.dataset;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationConfig;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.BeanDeserializerModifier;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import io.sluice.failure.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The manifest and the contract as JSON text.
 *
 * <p>Equal content gives equal bytes on any machine: keys are sorted at every depth, lines end in
 * {@code \n}, numbers have their shortest form. Enum constants are written as in a settings file
 * ({@code REMAINING_LIFE} is {@code "remaining-life"}); numbers that JSON lacks are written as the
 * strings {@code "NaN"}, {@code "Infinity"} and {@code "-Infinity"} and read back as numbers.
 *
 * <p>Reading is strict: another format version, an unknown field, a missing field or a null where a
 * number belongs is an {@link InvalidInputException} that names the file and the field.
 */
public final class ManifestJson {
  private static final ObjectMapper MAPPER = newMapper();

  /** The datasets of io.sluice.sequences.text, whose manifests have records of their own. */
  private static final String TEXT_FORMATS = "text-sequences.";

  private ManifestJson() {}

  /**
   * The mapper that writes contracts and manifests, for files that hold one among other things. It
   * is shared: copy it before changing it.
   */
  public static ObjectMapper mapper() {
    return MAPPER;
  }

  /** Any record or tree as sorted, indented JSON with a final line break. */
  public static String write(Object value) {
    try {
      JsonNode sorted = sorted(MAPPER.valueToTree(value));
      return MAPPER.writer(prettyPrinter()).writeValueAsString(sorted) + "\n";
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The manifest in a file's text.
   *
   * @param where the file, for messages
   */
  public static SequenceManifest read(String json, String where) {
    JsonNode tree = tree(json, where);
    String found = tree.path("format").asText("(none)");
    if (found.startsWith(TEXT_FORMATS)) {
      throw new InvalidInputException(
          "%s describes a dataset of text (%s, dataset.layout = %s), and this reads telemetry (%s). Give the path of a telemetry dataset."
              .formatted(
                  where,
                  found,
                  tree.path("contract").path("layout").asText("not recorded"),
                  SequenceManifest.FORMAT));
    }
    if (!found.equals(SequenceManifest.FORMAT)) {
      throw new InvalidInputException(
          ("%s has format %s; this version reads %s. Rebuild the dataset with build-sequences, or"
                  + " read it with the version of Sluice that wrote it (%s).")
              .formatted(
                  where,
                  found,
                  SequenceManifest.FORMAT,
                  tree.path("codeVersion").asText("not recorded")));
    }
    if (!tree.has("seal")) {
      ((ObjectNode) tree).putNull("seal"); // written before there were seals
    }
    return convert(tree, SequenceManifest.class, where);
  }

  /**
   * A part of a file that was read as a tree, as a record.
   *
   * @param where the file, for messages
   */
  public static <T> T convert(JsonNode tree, Class<T> type, String where) {
    try {
      return MAPPER.treeToValue(tree, type);
    } catch (JsonMappingException e) {
      throw new InvalidInputException(
          "%s does not fit its format: %s (at %s). Rebuild it with the job that wrote it."
              .formatted(where, withoutAdvice(e.getOriginalMessage()), path(e)),
          e);
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          "%s does not fit its format: %s.".formatted(where, e.getOriginalMessage()), e);
    }
  }

  /**
   * The object in a file's text, for formats that are told apart before they are read.
   *
   * @param where the file, for messages
   */
  public static JsonNode tree(String json, String where) {
    try {
      JsonNode tree = MAPPER.readTree(json);
      if (tree == null || !tree.isObject()) {
        throw new InvalidInputException(
            "%s holds no JSON object (%d characters). Rebuild the dataset with build-sequences."
                .formatted(where, json.length()));
      }
      return tree;
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          "%s is not JSON: %s (line %d). Rebuild the dataset with build-sequences."
              .formatted(
                  where,
                  e.getOriginalMessage(),
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr()),
          e);
    }
  }

  /** What Jackson says of the data, without what it says of its own settings. */
  private static String withoutAdvice(String message) {
    return message.replaceAll(" \\(index \\d+\\)|[;,]? ?`DeserializationFeature[^`]*` enabled", "");
  }

  /** "splits.train.windows" instead of Jackson's chain of class names. */
  private static String path(JsonMappingException e) {
    var path = new StringBuilder();
    for (JsonMappingException.Reference step : e.getPath()) {
      if (step.getFieldName() == null) {
        path.append('[').append(step.getIndex()).append(']');
      } else {
        path.append(path.length() == 0 ? "" : ".").append(step.getFieldName());
      }
    }
    return path.length() == 0 ? "the top" : path.toString();
  }

  private static JsonNode sorted(JsonNode node) {
    if (node instanceof ObjectNode object) {
      List<String> names = new ArrayList<>();
      object.fieldNames().forEachRemaining(names::add);
      names.sort(null);
      ObjectNode copy = MAPPER.createObjectNode();
      names.forEach(name -> copy.set(name, sorted(object.get(name))));
      return copy;
    }
    if (node instanceof ArrayNode array) {
      ArrayNode copy = MAPPER.createArrayNode();
      array.forEach(element -> copy.add(sorted(element)));
      return copy;
    }
    return node;
  }

  private static DefaultPrettyPrinter prettyPrinter() {
    var printer = new DefaultPrettyPrinter();
    printer.indentObjectsWith(new DefaultIndenter("  ", "\n"));
    return printer;
  }

  private static ObjectMapper newMapper() {
    return JsonMapper.builder(
            JsonFactory.builder()
                // the JDK's own shortest form changed in 19; this one is the same on all of them
                .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
                .build())
        .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .addModule(kebabEnums())
        .build();
  }

  private static SimpleModule kebabEnums() {
    var module = new SimpleModule("kebab-case enums");
    module.addSerializer(new KebabEnumSerializer());
    module.setDeserializerModifier(
        new BeanDeserializerModifier() {
          @Override
          public JsonDeserializer<?> modifyEnumDeserializer(
              DeserializationConfig config,
              JavaType type,
              BeanDescription description,
              JsonDeserializer<?> standard) {
            return new KebabEnumDeserializer(type.getRawClass());
          }
        });
    return module;
  }

  private static String kebab(Object constant) {
    return ((Enum<?>) constant).name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @SuppressWarnings("rawtypes") // Jackson registers serializers by raw class
  private static final class KebabEnumSerializer extends StdSerializer<Enum> {
    private static final long serialVersionUID = 1L;

    KebabEnumSerializer() {
      super(Enum.class);
    }

    @Override
    public void serialize(Enum constant, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(kebab(constant));
    }
  }

  private static final class KebabEnumDeserializer extends JsonDeserializer<Object> {
    private final Class<?> type;

    KebabEnumDeserializer(Class<?> type) {
      this.type = type;
    }

    @Override
    public Object deserialize(JsonParser json, DeserializationContext context) throws IOException {
      String text = json.getText();
      for (Object constant : type.getEnumConstants()) {
        if (kebab(constant).equals(text)) {
          return constant;
        }
      }
      return context.handleWeirdStringValue(
          type,
          text,
          "must be one of %s",
          Arrays.stream(type.getEnumConstants()).map(ManifestJson::kebab).toList());
    }
  }
}
