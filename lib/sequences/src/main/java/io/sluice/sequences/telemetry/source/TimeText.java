package io.sluice.sequences.telemetry.source;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;
import java.time.temporal.TemporalQueries;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.api.java.UDF1;

/**
 * Reads a time stamp from text, strictly: 30 February is unparsable, and a local time that a
 * daylight-saving change skips is said to be nonexistent where Spark would move it by an hour.
 *
 * <p>The result is {@code micros · 2 + (1 if the local time occurs twice)}, or one of the two codes
 * below; null for null and blank. A local time that occurs twice is read as the earlier of the two,
 * the one before clocks go back.
 */
public final class TimeText implements UDF1<String, Long> {
  private static final long serialVersionUID = 1L;

  public static final long UNPARSABLE = Long.MIN_VALUE;
  public static final long NONEXISTENT = Long.MIN_VALUE + 1;

  /** Later than anything that can be written in this encoding. */
  static final long FAR_FUTURE = Long.MAX_VALUE - 1;

  /** Some 140,000 years either way: twice as much still fits. */
  static final long MOST_MICROS = 4_500_000_000_000_000_000L;

  private final String pattern;
  private final String zone;
  private transient DateTimeFormatter formatter;
  private transient ZoneId defaultZone;

  /**
   * @param pattern of {@code java.time}; null: ISO 8601, with a blank for the T if need be
   * @param zone of times without an offset
   */
  public TimeText(String pattern, ZoneId zone) {
    this.pattern = pattern;
    this.zone = zone.getId();
  }

  @Override
  public Long call(String text) {
    if (text == null || text.isBlank()) {
      return null;
    }
    if (formatter == null) {
      defaultZone = ZoneId.of(zone);
      formatter = pattern == null ? iso() : ofPattern(pattern);
    }
    TemporalAccessor parsed;
    try {
      parsed = formatter.parse(text.strip());
    } catch (DateTimeException e) {
      return UNPARSABLE; // counted and kept in the rejects table by the caller
    }
    LocalDate date = parsed.query(TemporalQueries.localDate());
    if (date == null) {
      return UNPARSABLE;
    }
    LocalTime time = parsed.query(TemporalQueries.localTime());
    ZoneId own = parsed.query(TemporalQueries.zone());
    return encoded(
        LocalDateTime.of(date, time == null ? LocalTime.MIDNIGHT : time),
        own == null ? defaultZone : own);
  }

  private static long encoded(LocalDateTime local, ZoneId zone) {
    List<ZoneOffset> offsets = zone.getRules().getValidOffsets(local);
    if (offsets.isEmpty()) {
      return NONEXISTENT;
    }
    long seconds = local.toEpochSecond(offsets.get(0));
    if (Math.abs(seconds) > MOST_MICROS / 1_000_000) {
      return seconds > 0 ? FAR_FUTURE : UNPARSABLE;
    }
    long micros = seconds * 1_000_000L + local.getNano() / 1000;
    return micros * 2 + (offsets.size() > 1 ? 1 : 0);
  }

  private static DateTimeFormatter iso() {
    return new DateTimeFormatterBuilder()
        .parseCaseInsensitive()
        .append(DateTimeFormatter.ISO_LOCAL_DATE)
        .optionalStart()
        .appendPattern("['T'][ ]")
        .append(DateTimeFormatter.ISO_LOCAL_TIME)
        .appendPattern("[ ][XXX][XX][X]")
        .optionalEnd()
        .toFormatter(Locale.ROOT)
        .withResolverStyle(ResolverStyle.STRICT);
  }

  private static DateTimeFormatter ofPattern(String pattern) {
    // yyyy is a year of an era, and strict resolving asks which era
    return new DateTimeFormatterBuilder()
        .parseCaseInsensitive()
        .appendPattern(pattern)
        .parseDefaulting(ChronoField.ERA, 1)
        .toFormatter(Locale.ROOT)
        .withResolverStyle(ResolverStyle.STRICT);
  }
}
