//! The process itself: its build, its log, its warnings, and how much of the system it uses.
//!
//! In: counts, and at a scrape the files of `/proc`. Out: gauges, and the `process_*` metrics that
//! every client of Prometheus has; without `/proc` there are none of them.

use std::time::UNIX_EPOCH;

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
    lazy::Lazy,
};

const FAULTS: &str = "rownd_authz_faults";

/// The series of the process itself.
pub(super) struct ProcessSeries {
    lost_log_lines: Gauge,
    dev_mode: Gauge,
    warnings: Gauge,
    parts_at_fault: ByLabel<Gauge>,
    log_write_errors: Counter,
    /// When the metrics were made, Unix time: at the start.
    started: f64,
    /// Made by the first scrape that can read them.
    system: Lazy<SystemSeries>,
}

impl ProcessSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_gauge!(
            FAULTS,
            "Parts in the background that are at fault now; /status names them with the reason."
        );
        describe_gauge!("rownd_authz_build_info", "Always 1; the labels name the build.");
        describe_gauge!(
            "rownd_authz_log_lines_lost",
            "Log lines lost since the start: the sink is too slow."
        );
        describe_counter!(
            "rownd_authz_log_write_errors_total",
            "Log lines lost because the sink refused them: a full disk, a closed pipe."
        );
        describe_gauge!(
            "rownd_authz_dev_mode",
            "1 where the embedded emulator runs. Never in production."
        );
        describe_gauge!(
            "rownd_authz_configuration_warnings",
            "Warnings about the configuration in force; /status shows them."
        );
        let (version, revision) = (env!("CARGO_PKG_VERSION"), env!("BUILD_REVISION"));
        gauge!("rownd_authz_build_info", "version" => version, "revision" => revision).set(1.0);
        Self {
            log_write_errors: counter!("rownd_authz_log_write_errors_total"),
            started: UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64(),
            system: Lazy::new(SystemSeries::register),
            lost_log_lines: gauge!("rownd_authz_log_lines_lost"),
            dev_mode: gauge!("rownd_authz_dev_mode"),
            warnings: gauge!("rownd_authz_configuration_warnings"),
            parts_at_fault: ByLabel::new(&labels.parts, |part| gauge!(FAULTS, "part" => part)),
        }
    }
}

/// The use of the system, by the names that every client of Prometheus has.
struct SystemSeries {
    cpu_seconds: Counter,
    started: Gauge,
    resident: Gauge,
    virtual_memory: Gauge,
    open_files: Gauge,
    max_files: Gauge,
    threads: Gauge,
}

impl SystemSeries {
    fn register() -> Self {
        describe_counter!(
            "process_cpu_seconds_total",
            Unit::Seconds,
            "CPU time of the process, user and system, in whole seconds."
        );
        describe_gauge!(
            "process_start_time_seconds",
            Unit::Seconds,
            "Start of the process, Unix time."
        );
        describe_gauge!("process_resident_memory_bytes", Unit::Bytes, "Resident memory.");
        describe_gauge!("process_virtual_memory_bytes", Unit::Bytes, "Virtual memory.");
        describe_gauge!("process_open_fds", "Open file descriptors.");
        describe_gauge!("process_max_fds", "Limit of open file descriptors.");
        describe_gauge!("process_threads", "Threads of the process.");
        Self {
            cpu_seconds: counter!("process_cpu_seconds_total"),
            started: gauge!("process_start_time_seconds"),
            resident: gauge!("process_resident_memory_bytes"),
            virtual_memory: gauge!("process_virtual_memory_bytes"),
            open_files: gauge!("process_open_fds"),
            max_files: gauge!("process_max_fds"),
            threads: gauge!("process_threads"),
        }
    }
}

/// The use of the system by this process.
struct Usage {
    cpu_seconds: u64,
    resident: u64,
    virtual_memory: u64,
    open_files: u64,
    max_files: u64,
    threads: u64,
}

impl Usage {
    /// `None`: the system tells nothing.
    #[cfg(target_os = "linux")]
    fn measure() -> Option<Self> {
        use procfs::process::{LimitValue, Process};
        let process = Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let max_files = match process.limits().ok()?.max_open_files.soft_limit {
            LimitValue::Value(limit) => limit,
            LimitValue::Unlimited => u64::MAX,
        };
        Some(Self {
            cpu_seconds: (stat.utime + stat.stime).checked_div(procfs::ticks_per_second())?,
            resident: stat.rss.saturating_mul(procfs::page_size()),
            virtual_memory: stat.vsize,
            open_files: u64::try_from(process.fd_count().ok()?).ok()?,
            max_files,
            threads: u64::try_from(stat.num_threads).ok()?,
        })
    }

    /// This system has no `/proc`.
    #[cfg(not(target_os = "linux"))]
    const fn measure() -> Option<Self> {
        None
    }
}

impl Metrics {
    /// So many log lines were lost since the start because the sink is too slow.
    pub fn log_lines_lost(&self, lines: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a count for people")]
        self.process.lost_log_lines.set(lines as f64);
    }

    /// So many log lines were lost since the start because the sink refused them.
    pub fn log_lines_refused(&self, lines: u64) {
        self.process.log_write_errors.absolute(lines);
    }

    /// Asks the system for the time, the memory and the open files of this process.
    pub fn measure_process(&self) {
        let Some(found) = Usage::measure() else { return };
        let Some(series) = self.process.system.get(&self.recorder) else { return };
        series.cpu_seconds.absolute(found.cpu_seconds);
        series.started.set(self.process.started);
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        for (gauge, value) in [
            (&series.resident, found.resident),
            (&series.virtual_memory, found.virtual_memory),
            (&series.open_files, found.open_files),
            (&series.max_files, found.max_files),
            (&series.threads, found.threads),
        ] {
            gauge.set(value as f64);
        }
    }

    /// This build carries the emulator and runs with it.
    pub fn dev_mode(&self) {
        self.process.dev_mode.set(1.0);
    }

    /// The kinds ([`Labels::parts`]) of the parts that are at fault now, one for each part.
    pub fn parts_at_fault<L: Label>(&self, faults: impl Iterator<Item = L>) {
        let mut counts = vec![0_u32; L::ALL.len()];
        faults.for_each(|part| {
            if let Some(count) = counts.get_mut(part.index()) {
                *count += 1;
            }
        });
        for (part, count) in L::ALL.iter().zip(counts) {
            if let Some(gauge) = self.process.parts_at_fault.get(*part) {
                gauge.set(f64::from(count));
            }
        }
    }

    /// So many warnings apply to the configuration in force.
    pub fn configuration_warnings(&self, warnings: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        self.process.warnings.set(warnings as f64);
    }
}
