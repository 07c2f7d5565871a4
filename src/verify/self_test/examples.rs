//! Published examples of signatures, one for each algorithm that is supported.

use crate::config::SigningAlgorithm;

/// A public key, a text that was signed, and the signature.
pub(super) struct Example {
    pub(super) algorithm: SigningAlgorithm,
    pub(super) key: &'static str,
    pub(super) signed: &'static str,
    pub(super) signature: &'static str,
}

pub(super) const EXAMPLES: [Example; 10] = [
    // RFC 8037 appendix A.4.
    Example {
        algorithm: SigningAlgorithm::EdDSA,
        key: r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        signed: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    },
    // RFC 7515 appendix A.3.
    Example {
        algorithm: SigningAlgorithm::ES256,
        key: r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        signed: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    },
    // RFC 7515 appendix A.2.
    Example {
        algorithm: SigningAlgorithm::RS256,
        key: concat!(
            r#"{"kty":"RSA","e":"AQAB","n":"#,
            r#""ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx"#,
            "HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs",
            "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH",
            "SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV",
            "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8",
            r#"NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
        ),
        signed: "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        signature: concat!(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7",
            "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4",
            "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K",
            "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv",
            "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB",
            "p0igcN_IoypGlUPQGe77Rw",
        ),
    },
    // Project Wycheproof, rsa_signature_2048_sha384_test.json, case 3.
    Example {
        algorithm: SigningAlgorithm::RS384,
        key: concat!(
            r#"{"kty":"RSA","n":"zab6XKdr_gSS7Ffgo7__cnLcjR4lrR-zOKoFDwLBBOYxM9"#,
            "a1t8SYXruumsA2pbnAMHTWCuyOJbrzkqDEMP8FuI6UiAXT3XRRHYiFJQp7V0IVra",
            "AVxVkHZobiU8zJbAgVsSke54fMM2O0932TDrmY18WCskzqnOId6XInkZiYY6J-vI",
            "CgDeW9L5Iod15aTOsFTVjJvjagVDNpcaE2Qt2VEN1paqJo2zqrIpnV2I-OViQ00U",
            "JwlNPfjnLR72m07TTRK6w3UiOyolzyJ_c1-BboXhcjkwR2mmCCFUzRWJn8Hq77ab",
            r#"dIo-XtJNODcll94-TionuVHWrH2xgtaAnY_1Ebfw","e":"AQAB"}"#,
        ),
        signed: "Test",
        signature: concat!(
            "lDqqsGdVqwErTgYiEKw-LBpFXKMPHGW-7g99VDhOTg1OOQIIMyaQ_vW6DPzv-_4o",
            "5rBaHs2LyjpQ-VQvF8OdKBlaUCA8eIUZXH6E2iZDa8n-f6mKUHDgobb1HYrH0nNP",
            "214LMtoN9sbJgxG8TUWLTpcEEsZ3Mu_-Z-CDEjv8ae0WQJC-PUGje95SEZ2hak_H",
            "-6XY06uQW8p7G8z0aZqKvqGdC6Bln7bJS07G0G_QhpWPRDp0p4O3RA9gYPAcud7o",
            "nzLC9v7mHj1hVI-2s6D2tknNi9XVpbvAFvTHN4icedRcQbVAYSkGbiWd-gb6LsBc",
            "-TMN7GbtTPibgLD13NIsTw",
        ),
    },
    // Project Wycheproof, rsa_signature_2048_sha512_test.json, case 3.
    Example {
        algorithm: SigningAlgorithm::RS512,
        key: concat!(
            r#"{"kty":"RSA","n":"wsSoYCNtPJCWoHbWulEH4Pe9geG6kW9zdXJL0rCwtjlWgT"#,
            "cVo0V6sEWLcfs1pFsn-e96w-V53qRd-_0HgZ7WtwIapTNsWEQqrdlsqe6dMkc-nZ",
            "J4VitNECWK3mqY-xx8_cOzcW713sWM9zs1nziVmbS1hlqYY1GesAHDJDh9p1VFDb",
            "NBMJNg44B8BWW44sRPvV5ujQTQBtfudouOhDYIKpD6DoN_MvRgh6tKDZviiqfaF5",
            "TOsBcqf1DtIPbfZB77y_0qrIl3XHYacxAJPGccl3-hiw1uAfsl96QytCxlNZeExo",
            r#"kgVxnBz246Zdri2kNMMm3egbtv__vb9t5cFrunSQ","e":"AQAB"}"#,
        ),
        signed: "Test",
        signature: concat!(
            "oPRlgs3mviFTUbt7Kej_JDmIFvrZ5-LtbM8dC1KWutgnMWwYsVZSUykfocC66ppz",
            "U1fP-JIOECSuVwfdLwz8yebMgUAiF9m09R4Q3vK8L0kk59IsAi_IfWw-dy9JUgUN",
            "AnsAOrQmf_InoVzHyITNtGu8frOIUtDm2KEvSFzLAxIVcJdofeu2_q8rbayZgiTG",
            "BHwdVycZW7jOBaWWaQNOiN4OSBWvAMZd71uXSNAXRVBWzBrG06d-MfzqTnJu2mvn",
            "vTPlCWluVNHRhYoRZfqezl1i5JPBozqzyU0pSDihnzZ_t5nWtpFhvZUypu8xfeuR",
            "mSPXjjMwnxSpe2gCPWALTQ",
        ),
    },
    // Project Wycheproof, rsa_pss_2048_sha256_mgf1_32_test.json, case 3.
    Example {
        algorithm: SigningAlgorithm::PS256,
        key: concat!(
            r#"{"kty":"RSA","n":"orRRoH0KpfluRVZxUTVQUUqKW0YuvvcXCU-h_ugiJOY3-X"#,
            "RtP3yv0xh42AMltu9aFwD2WQO0aUKeidbqyIRQl7WrOTGJ25JRLtincRoSU_rNIP",
            "ecFegkfz0-QuRuSMmOJUov6XZTE6A-_48X4aApOXofomqNzib0kO2BKZYV2YFMIt",
            "phBCjgnH2WWFlCZvXAIdD87KCNlFoSvoLeTR7Oa0wDFFtdNJXU7VQR64eNrwX9ev",
            "w-Ca2g8RJkIvWQl1oZaYFvSGmLy7obTZyuedRg2Pn4Xnl1AF2bwixOWsD3waRdEl",
            r#"aaYoB9O5oC5aUw53MGb0U9H1tMLpz3ggKD90K51Q","e":"AQAB"}"#,
        ),
        signed: "Test",
        signature: concat!(
            "QB6wPNtHyogDPjAw9r3susj1yPwd1qE9I9N57ZorMJiR0T10_qnSHRWbnm2PN--i",
            "SJli4kVV9W3UNP8dMc5Pn1q9PyLL6otpHWoR5E77g-K8oVXmoWQyXg_eKohlr9XJ",
            "9RFhqdYV9ir37C4xs-WrZJwWRJDTHYjPrjW4Sup5JWkPkpoUS20vSOj7iUpS3uzR",
            "uaZJaZDE7PFYhpmkLKzRDFOvNQUU5CkeqaBY538QHjLBwM76YdlF97yTH4vRnnuj",
            "FpNYpg5aiwEjvDGZuf3K_o5RnEG6Z1SRonuF5E7y13J3wQ_hByk8gpAYaRO8mpm2",
            "QNjaBBtk8x6rHTWSCYX0pQ",
        ),
    },
    // Project Wycheproof, rsa_pss_2048_sha384_mgf1_48_test.json, case 3.
    Example {
        algorithm: SigningAlgorithm::PS384,
        key: concat!(
            r#"{"kty":"RSA","n":"zab6XKdr_gSS7Ffgo7__cnLcjR4lrR-zOKoFDwLBBOYxM9"#,
            "a1t8SYXruumsA2pbnAMHTWCuyOJbrzkqDEMP8FuI6UiAXT3XRRHYiFJQp7V0IVra",
            "AVxVkHZobiU8zJbAgVsSke54fMM2O0932TDrmY18WCskzqnOId6XInkZiYY6J-vI",
            "CgDeW9L5Iod15aTOsFTVjJvjagVDNpcaE2Qt2VEN1paqJo2zqrIpnV2I-OViQ00U",
            "JwlNPfjnLR72m07TTRK6w3UiOyolzyJ_c1-BboXhcjkwR2mmCCFUzRWJn8Hq77ab",
            r#"dIo-XtJNODcll94-TionuVHWrH2xgtaAnY_1Ebfw","e":"AQAB"}"#,
        ),
        signed: "Test",
        signature: concat!(
            "Gtjz4-Myc5iWDtGSdcLN8YcAFRamEWt7os4wGsSVLx0YDghzHusU5elNSexseaMc",
            "rm0lbjLwGYDNv8s0_u2iYASMNxNYy7cKc7XaeqJFqDNy1UM4Og7rWOdgIUT3DnhY",
            "3P0EWSsr_FuD7VgXC_aS0A5UbYpzSnJt9JmBbW4oKfxwKIUKJzKhJh8rhEizAg0p",
            "sn7R-rIsky3fhep8qbq3MGU81ZUF4L_BNEpG5vnf5uaPmK4srTAzZ_WYuIRYAciy",
            "dBF9KPg5NQS3oyyf_GS9QsJ1n2QVfD-AM-Z-UoXpT_mSaSQkhp7Q0kqdADZwUyAC",
            "2gwvnfUksbw7I7mnj1tT7w",
        ),
    },
    // Project Wycheproof, rsa_pss_4096_sha512_mgf1_64_test.json, case 3.
    Example {
        algorithm: SigningAlgorithm::PS512,
        key: concat!(
            r#"{"kty":"RSA","n":"yadlwmYbRnTP80gOml5GKtCtL8m8b772KEezET0gmR9lOW"#,
            "eXHCglJ1P1-6zOASwqirWSkU0mnvr6ck-kuSDjQJMMEG97Nvec6_DmLojg5HaIjp",
            "8OIhhqzbbEUjojK2W0_yzCLcRPilWVJ9edfNfc83cyEve7mqEzwxFlzGY2kL8SPX",
            "OSPIOJKcyv7lnWxwlbjUp0uvLRksmk6HxOErxYATB4sop3iegunzHeH01qKqboBj",
            "K-jkvfJj6NSbCUFvsZxIjAetivciq3kYKyMCinHgZdAkEqnuvEbX2PTgPXkjjYwM",
            "tKl6mhIA67bsZAQuvsytlWdSbu7xLBfZTBBJyImXC5bpTMNTFyomiknF6L7hPBWz",
            "nexE8sehqjenoLb3IpCsraMrHYrx_D3IqJSHuoE0fL6xNQkl0w-SOVgQa0mVnIce",
            "fB26VdoHcuNiz4Yh14YQhouJThbl3-yWh0qTpM83m0fn4xjOMVBm1w7jk4FApgFI",
            "8gUIXO-KdwDKPFPVKldWpjs7FvFTBithJipoSWIQyL5O8_kCnKDqDjs6DV1tIm7b",
            "v0Ta-PBF3Cht7TxOxNtrRTRwefM-r5jjyVtLYOee9KMJP-7FQ3A0Irp0oRhRHCGT",
            r#"tU_otjOGbtLHBcy8bn2dNlaAnsPTNW50AKlkjsN1BQQePjGvHALu_pJKZwR9M",""#,
            r#"e":"AQAB"}"#,
        ),
        signed: "Test",
        signature: concat!(
            "D3SFba439rqyevJah3P_5CaQZlyhMKcQmY5vn3QdMN1mu7zcu0kLH6aeOa9rFpso",
            "A4_ErdyVqpLitnp2VpvTrMdspIQ3x1Usp9_TefqwN9VN9JawW0MbuSVBbNTcJAL6",
            "oGCZbVdXhRnDTeI4bJ0N2-twhFPlDAio7BgsdVSeneoL91_TNHsiji-Xe4HBvhHH",
            "ONI-4uWPFegD9VOeghVbpjJ6uAetbg6ja5oZ72j75-O1W3kQ9oqvxxniEGtKPMit",
            "ti44zfQ_erKVhGpWsm7YCHssDpzZwtbNgwKqDCYlSx2zMLysUgr7ky6qwH7AYE_1",
            "bwga9EmUSSwXYpgSepTZ6szyNzLqlXAOu0tlf828UuvGvEBHlfY7Tw_SodZ4fWmN",
            "JQa3s3wfSfjsFWMyD8AX_ddiaf5hv_AImQDRRuIAAROrbYquJINE0ZvwVJ6DIN4P",
            "Im_kbuTAMlB3DYcBt-sOY7gW9WZBHFX3ckwOjZSwt1K76fRFx4rkt4B4HJvPxRQb",
            "HkbHZ6UZkK8lY5H7rJ9DAqqrEZKKLtNup3XAyVPQ1aTXOcN__viGPMG3BIFBDinL",
            "esmaPExtR8Mir43hs5oX2k6kMtYiSbbDX1DI-t4NyWy46UaoAI23py3-XkzkOS1B",
            "YM91xGlW5miH2C1-MWSQdahsPstKk23DMeeDN9Vkgxg",
        ),
    },
    // Project Wycheproof, ecdsa_secp384r1_sha384_p1363_test.json, case 1.
    Example {
        algorithm: SigningAlgorithm::ES384,
        key: concat!(
            r#"{"kty":"EC","crv":"P-384","x":"LaV92hCJJ2pUP5_9rAv_DZdsrXHrcoDn2"#,
            r#"b_Z_uS9svIPR_-IgnQ4l3LZjMV1ITiq","y":"S20FTWnc8-JexJ34cHFeNIg7GD"#,
            r#"YZfXb4rZYuePZXG7x0B7DWCR-eTYjwFCdEBhdP"}"#,
        ),
        signed: "123400",
        signature: concat!(
            "ErMKvva1R2_mthKuVXwEJWYeJrRLG_4Z2vLKKOMRMIO6jkrkzEWgMgq9M5TxxUjX",
            "GEDan8HS-PiQDPSF1UE7jCV07jqNTKA5lcowJA4JUTgFv2IJtYrHqpz_VO7Ngrnx",
        ),
    },
    // Project Wycheproof, ecdsa_secp521r1_sha512_p1363_test.json, case 1.
    Example {
        algorithm: SigningAlgorithm::ES512,
        key: concat!(
            r#"{"kty":"EC","crv":"P-521","x":"AFxkV-wIjVMvSCCTllrlPM0H5VbtWeKvl"#,
            r#"FzYx6lcHGRPilaoqKPNdzkt3YYeipJNrJnGkGkJO9UqUvpsVgBKB0UI","y":"AH"#,
            "h41tQuS03R6cBpbLPhn2MDPD205g1HMlmz6-B5qvCphu5hd_ghenjGi4E_fhSaTl",
            r#"b9lWLAf-09iVlC19EBy4P2"}"#,
        ),
        signed: "123400",
        signature: concat!(
            "AE5CI-5D6MuJ3jsTOf_CeeWC-Cx6sPcbveQ9vjdKx1_77yms345wdQuaBPZv2kg1",
            "Hee7_VFXILDsXNc2-bc734ZFAddKL22Vvo1Mtk8C0W1reFoSRrTr0gbcWWgYu5Uy",
            "UyRfWieiShquHiGP3M2M19SZC2ZtS_SQK4T9rRI_lB_pBtlI",
        ),
    },
];
