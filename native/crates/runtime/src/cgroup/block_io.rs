//! Block input and output: weights and throttles, v1 files and v2 files.

use std::path::Path;

use super::write;
use crate::error::Result;
use crate::spec::{BlockIo, ThrottleDevice, WeightDevice};

pub fn apply_v1(dir: &Path, io: &BlockIo) -> Result<()> {
    // The file is named after the I/O scheduler in use.
    let prefix = if dir.join("blkio.weight").exists() {
        "blkio"
    } else {
        "blkio.bfq"
    };
    if let Some(weight) = io.weight.filter(|&weight| weight > 0) {
        write(dir, &format!("{prefix}.weight"), &weight.to_string())?;
    }
    if let Some(weight) = io.leaf_weight.filter(|&weight| weight > 0) {
        write(dir, "blkio.leaf_weight", &weight.to_string())?;
    }
    for device in &io.weight_device {
        if let Some(weight) = device.weight {
            let line = format!("{}:{} {weight}", device.major, device.minor);
            write(dir, &format!("{prefix}.weight_device"), &line)?;
        }
    }
    throttle_v1(
        dir,
        "blkio.throttle.read_bps_device",
        &io.throttle_read_bps_device,
    )?;
    throttle_v1(
        dir,
        "blkio.throttle.write_bps_device",
        &io.throttle_write_bps_device,
    )?;
    throttle_v1(
        dir,
        "blkio.throttle.read_iops_device",
        &io.throttle_read_iops_device,
    )?;
    throttle_v1(
        dir,
        "blkio.throttle.write_iops_device",
        &io.throttle_write_iops_device,
    )
}

fn weight_device_v2(dir: &Path, device: &WeightDevice) -> Result<()> {
    let Some(weight) = device.weight else {
        return Ok(());
    };
    let scaled = scale(weight);
    write(
        dir,
        "io.weight",
        &format!("{}:{} {scaled}", device.major, device.minor),
    )
}

fn throttle_v1(dir: &Path, file: &str, devices: &[ThrottleDevice]) -> Result<()> {
    for device in devices {
        write(
            dir,
            file,
            &format!("{}:{} {}", device.major, device.minor, device.rate),
        )?;
    }
    Ok(())
}

pub fn apply_v2(dir: &Path, io: &BlockIo) -> Result<()> {
    if let Some(weight) = io.weight.filter(|&weight| weight > 0) {
        apply_weight_v2(dir, weight)?;
    }
    for device in &io.weight_device {
        weight_device_v2(dir, device)?;
    }
    let throttles = [
        ("rbps", &io.throttle_read_bps_device),
        ("wbps", &io.throttle_write_bps_device),
        ("riops", &io.throttle_read_iops_device),
        ("wiops", &io.throttle_write_iops_device),
    ];
    for (key, devices) in throttles {
        for device in devices {
            let limit = if device.rate == 0 {
                "max".to_owned()
            } else {
                device.rate.to_string()
            };
            write(
                dir,
                "io.max",
                &format!("{}:{} {key}={limit}", device.major, device.minor),
            )?;
        }
    }
    Ok(())
}

/// v1's 10–1000 onto v2's 1–10000, linear as runc and crun do; bfq takes the v1 scale as it is.
fn apply_weight_v2(dir: &Path, weight: u16) -> Result<()> {
    if dir.join("io.bfq.weight").exists() {
        return write(dir, "io.bfq.weight", &weight.to_string());
    }
    write(dir, "io.weight", &format!("default {}", scale(weight)))
}

fn scale(weight: u16) -> u32 {
    1 + (u32::from(weight.clamp(10, 1000)) - 10) * 9999 / 990
}
